import greeting.Greeting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Greets whom a file in the runfiles names, with the words of a library. */
public final class Greeter {
  public static void main(String[] arguments) throws IOException {
    // The script that starts the program says where its runfiles are.
    Path file = Path.of(System.getenv("JAVA_RUNFILES"), arguments[0]);
    System.out.println(Greeting.greet(Files.readString(file).strip()) + " " + System.getenv("GREETER_MODE"));
  }

  private Greeter() {}
}
