//! Bytes of commands and events: little-endian, field by field, in the order of declaration. A tag byte (two for rejects) precedes the
//! fields of an enum's variant; texts are a `u16` length and UTF-8. New variants take new tags and new fields go into new variants,
//! so that every past byte stays readable; the golden files in `tests/golden` hold that promise.

use types::{
    AccountId, Amount, AssetId, ClientId, ContractKind, Decimal, InstrumentId, ListId, OrderId,
    ProductId, Rate, RequestId, Seq, Side, Time, TradeGroupId, TradeId, UpdateId, Wallet,
};

/// Bytes that are not what the writer wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("malformed bytes: {0}")]
pub struct Malformed(pub &'static str);

/// A value with a fixed byte form.
pub trait Wire: Sized {
    fn put(&self, out: &mut Vec<u8>);
    /// # Errors
    /// [`Malformed`] when the bytes end early or hold an unknown tag.
    fn take(input: &mut &[u8]) -> Result<Self, Malformed>;
}

/// Splits `n` bytes off the front.
///
/// # Errors
/// [`Malformed`] when there are fewer.
pub fn take_bytes<'a>(input: &mut &'a [u8], n: usize) -> Result<&'a [u8], Malformed> {
    let (head, tail) = input.split_at_checked(n).ok_or(Malformed("ends early"))?;
    *input = tail;
    Ok(head)
}

macro_rules! wire_int {
    ($($t:ty),*) => {$(
        impl Wire for $t {
            #[inline]
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            #[inline]
            fn take(input: &mut &[u8]) -> Result<Self, Malformed> {
                let (head, tail) = input.split_first_chunk().ok_or(Malformed("ends early"))?;
                *input = tail;
                Ok(<$t>::from_le_bytes(*head))
            }
        }
    )*};
}
wire_int!(u8, u16, u32, u64, i32, i64, i128);

macro_rules! wire_newtype {
    ($($t:ident),*) => {$(
        impl Wire for $t {
            #[inline]
            fn put(&self, out: &mut Vec<u8>) {
                self.0.put(out);
            }
            #[inline]
            fn take(input: &mut &[u8]) -> Result<Self, Malformed> {
                Wire::take(input).map($t)
            }
        }
    )*};
}
wire_newtype!(
    AccountId,
    AssetId,
    InstrumentId,
    TradeGroupId,
    OrderId,
    ListId,
    TradeId,
    UpdateId,
    Seq,
    RequestId,
    Amount,
    Rate,
    Time,
    ContractKind,
    ProductId,
    Decimal,
    Wallet
);

impl Wire for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn take(input: &mut &[u8]) -> Result<Self, Malformed> {
        match u8::take(input)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed("bool")),
        }
    }
}

impl Wire for Side {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
    fn take(input: &mut &[u8]) -> Result<Self, Malformed> {
        match u8::take(input)? {
            0 => Ok(Side::Buy),
            1 => Ok(Side::Sell),
            _ => Err(Malformed("side")),
        }
    }
}

impl Wire for ClientId {
    fn put(&self, out: &mut Vec<u8>) {
        let bytes = self.as_bytes();
        out.push(u8::try_from(bytes.len()).unwrap_or(0));
        out.extend_from_slice(bytes);
    }
    fn take(input: &mut &[u8]) -> Result<Self, Malformed> {
        let len = usize::from(u8::take(input)?);
        let bytes = take_bytes(input, len)?;
        if len == 0 {
            return Ok(ClientId::NONE);
        }
        core::str::from_utf8(bytes)
            .ok()
            .and_then(|s| ClientId::new(s).ok())
            .ok_or(Malformed("client id"))
    }
}

impl Wire for Box<str> {
    fn put(&self, out: &mut Vec<u8>) {
        u16::try_from(self.len()).unwrap_or(u16::MAX).put(out);
        out.extend_from_slice(&self.as_bytes()[..self.len().min(usize::from(u16::MAX))]);
    }
    fn take(input: &mut &[u8]) -> Result<Self, Malformed> {
        let len = usize::from(u16::take(input)?);
        let bytes = take_bytes(input, len)?;
        core::str::from_utf8(bytes)
            .map(Box::from)
            .map_err(|_| Malformed("text"))
    }
}

impl Wire for Box<[u8]> {
    fn put(&self, out: &mut Vec<u8>) {
        u32::try_from(self.len()).unwrap_or(u32::MAX).put(out);
        out.extend_from_slice(self);
    }
    fn take(input: &mut &[u8]) -> Result<Self, Malformed> {
        let len = u32::take(input)? as usize;
        take_bytes(input, len).map(Box::from)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                value.put(out);
            }
        }
    }
    fn take(input: &mut &[u8]) -> Result<Self, Malformed> {
        match u8::take(input)? {
            0 => Ok(None),
            1 => T::take(input).map(Some),
            _ => Err(Malformed("option")),
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        u16::try_from(self.len()).unwrap_or(u16::MAX).put(out);
        for value in self.iter().take(usize::from(u16::MAX)) {
            value.put(out);
        }
    }
    fn take(input: &mut &[u8]) -> Result<Self, Malformed> {
        (0..u16::take(input)?).map(|_| T::take(input)).collect()
    }
}

impl<T: Wire> Wire for Box<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (**self).put(out);
    }
    fn take(input: &mut &[u8]) -> Result<Self, Malformed> {
        T::take(input).map(Box::new)
    }
}

/// A struct and its bytes.
macro_rules! wire_struct {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$fmeta:meta])* pub $field:ident: $ty:ty),* $(,)? }) => {
        $(#[$meta])*
        pub struct $name { $($(#[$fmeta])* pub $field: $ty),* }
        impl $crate::codec::Wire for $name {
            #[inline]
            fn put(&self, out: &mut Vec<u8>) {
                $($crate::codec::Wire::put(&self.$field, out);)*
            }
            #[inline]
            fn take(input: &mut &[u8]) -> Result<Self, $crate::codec::Malformed> {
                Ok($name { $($field: $crate::codec::Wire::take(input)?),* })
            }
        }
    };
}

/// An enum whose variants hold at most one value, and its bytes: `tag = Variant` or `tag = Variant(Type)`.
macro_rules! wire_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $tag:literal = $variant:ident $(($ty:ty))?),* $(,)? }) => {
        $(#[$meta])*
        pub enum $name { $($(#[$vmeta])* $variant $(($ty))?),* }
        impl $crate::codec::Wire for $name {
            #[inline]
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(wire_enum!(@pattern $name $variant value $($ty)?) => {
                        out.push($tag);
                        wire_enum!(@put out value $($ty)?);
                    })*
                }
            }
            #[inline]
            fn take(input: &mut &[u8]) -> Result<Self, $crate::codec::Malformed> {
                match <u8 as $crate::codec::Wire>::take(input)? {
                    $($tag => Ok(wire_enum!(@take $name $variant input $($ty)?)),)*
                    _ => Err($crate::codec::Malformed(concat!("tag of ", stringify!($name)))),
                }
            }
        }
    };
    (@pattern $name:ident $variant:ident $value:ident $ty:ty) => { $name::$variant($value) };
    (@pattern $name:ident $variant:ident $value:ident) => { $name::$variant };
    (@put $out:ident $value:ident $ty:ty) => { $crate::codec::Wire::put($value, $out) };
    (@put $out:ident $value:ident) => {};
    (@take $name:ident $variant:ident $input:ident $ty:ty) => { $name::$variant($crate::codec::Wire::take($input)?) };
    (@take $name:ident $variant:ident $input:ident) => { $name::$variant };
}
