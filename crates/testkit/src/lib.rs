//! Misbehaving servers and judges for tests, in nobody's normal dependencies.
