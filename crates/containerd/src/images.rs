//! Names of images.

use containerd_api::{
    CreateImageRequest, Descriptor as Target, FieldMask, GetImageRequest, Image, UpdateImageRequest, images,
};
use oci::Descriptor;
use tonic::Code;

use crate::client::Failed;
use crate::{Answer, Error, Lease, Operation};

/// How often a name is tried that comes and goes while it is looked at.
const ROUNDS: u32 = 5;

/// What became of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is new.
    New,
    /// It stood for something else.
    Changed,
    /// It stood for the same already.
    Same,
}

impl Lease {
    /// Lets a full reference, such as `docker.io/library/app:latest`, stand for a manifest or index, and says what it was
    /// before. Labels of an image that was there stay. All that the image needs must have been written, with labels.
    pub async fn put_image(&self, name: &str, descriptor: &Descriptor) -> Result<Placed, Error> {
        self.try_put_image(name, descriptor)
            .await
            .map_err(|failed| self.client().error(Operation::Name(name.to_owned()), failed))
    }

    async fn try_put_image(&self, name: &str, descriptor: &Descriptor) -> Result<Placed, Failed> {
        let target = Target {
            media_type: descriptor.media_type.clone(),
            digest: descriptor.digest.to_string(),
            size: i64::try_from(descriptor.size).unwrap_or(i64::MAX),
        };
        let image = Image { name: name.to_owned(), target: Some(target.clone()), ..Image::default() };
        for _ in 0..ROUNDS {
            match self.call(&images::CREATE, CreateImageRequest { image: Some(image.clone()) }).await {
                Ok(_) => return Ok(Placed::New),
                Err(failed) if failed.answer.is(Code::AlreadyExists) => {}
                Err(failed) => return Err(failed),
            }
            let before = match self.call(&images::GET, GetImageRequest { name: name.to_owned() }).await {
                Ok(answer) => answer.image.and_then(|image| image.target),
                Err(failed) if failed.answer.is(Code::NotFound) => continue,
                Err(failed) => return Err(failed),
            };
            if before.as_ref() == Some(&target) {
                return Ok(Placed::Same);
            }
            let mask = FieldMask { paths: vec!["target".to_owned()] };
            let request = UpdateImageRequest { image: Some(image.clone()), update_mask: Some(mask) };
            match self.call(&images::UPDATE, request).await {
                Ok(_) => return Ok(Placed::Changed),
                Err(failed) if failed.answer.is(Code::NotFound) => {}
                Err(failed) => return Err(failed),
            }
        }
        Err(Failed { answer: Answer::Protocol("the name is taken, and it is not"), attempts: ROUNDS })
    }
}
