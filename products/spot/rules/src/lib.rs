//! spot-rules
