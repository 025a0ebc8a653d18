use rand::Rng as _;
use rand::distr::Alphanumeric;
use types::ClientId;

/// A name for an order whose client gave none: 22 random letters and digits.
#[must_use]
pub fn random_client_id() -> ClientId {
    let mut text = [0_u8; 22];
    let mut random = rand::rng();
    text.iter_mut()
        .for_each(|byte| *byte = random.sample(Alphanumeric));
    std::str::from_utf8(&text)
        .ok()
        .and_then(|text| ClientId::new(text).ok())
        .unwrap_or(ClientId::NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_differ() {
        let (a, b) = (random_client_id(), random_client_id());
        assert_eq!((a.as_str().len(), b.as_str().len()), (22, 22));
        assert_ne!(a, b);
    }
}
