//! Image configurations (image specification, "OCI Image Configuration").
