//! Names of images.

use containerd::{Error, Placed};
use testkit::fake_containerd::Failure;

use crate::setup::{descriptor, setup};

const NAME: &str = "docker.io/library/app:latest";

#[tokio::test]
async fn a_name_is_new_changes_or_stays() {
    let setup = setup().await;
    let lease = setup.lease().await;
    for (bytes, expected) in
        [("one", Placed::New), ("one", Placed::Same), ("two", Placed::Changed), ("two", Placed::Same)]
    {
        let target = descriptor(bytes.as_bytes());
        assert_eq!(lease.put_image(NAME, &target).await.unwrap(), expected);
        let found = setup.containerd.image(NAME).unwrap();
        assert_eq!((found.digest, found.size), (target.digest.to_string(), 3));
        assert_eq!(found.media_type, target.media_type);
    }
    assert_eq!(setup.containerd.calls().iter().filter(|call| *call == "Images/Update").count(), 1);
}

#[tokio::test]
async fn a_name_whose_answer_is_lost() {
    let setup = setup().await;
    let lease = setup.lease().await;
    setup.containerd.fail("Images/Create", Failure::CodeAfter(14), 1);
    lease.put_image(NAME, &descriptor(b"one")).await.unwrap();
    assert_eq!(setup.containerd.images(), [NAME]);
}

#[tokio::test]
async fn a_name_that_comes_and_goes() {
    let setup = setup().await;
    let lease = setup.lease().await;
    setup.containerd.fail("Images/Create", Failure::Code(6, "there is such an image"), 1);
    assert_eq!(lease.put_image(NAME, &descriptor(b"one")).await.unwrap(), Placed::New);
    setup.containerd.fail("Images/Create", Failure::Code(6, "there is such an image"), 100);
    setup.containerd.fail("Images/Get", Failure::Code(5, "there is no such image"), 100);
    let error = lease.put_image(NAME, &descriptor(b"one")).await.unwrap_err();
    assert!(matches!(error, Error::Call { .. }), "{error:?}");
    assert!(
        error.to_string().starts_with(&format!("failed to name the image `{NAME}` in the containerd at "))
    );
}
