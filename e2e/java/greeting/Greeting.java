package greeting;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** How somebody is greeted. */
public final class Greeting {
  /** The words of the resource, and the name. */
  public static String greet(String name) throws IOException {
    try (InputStream words = Greeting.class.getResourceAsStream("words.txt")) {
      return new String(words.readAllBytes(), StandardCharsets.UTF_8).strip() + ", " + name + "!";
    }
  }

  private Greeting() {}
}
