//! Credentials for registries: docker config files, credential helpers, secrets.
