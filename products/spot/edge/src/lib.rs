//! spot-edge
