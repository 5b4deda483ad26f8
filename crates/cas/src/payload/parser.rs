//! gRPC's messages ("Length-Prefixed-Message") with a `ReadResponse` in each, split anywhere.

use std::collections::VecDeque;

use bytes::{Buf as _, Bytes};

/// Field `data` of `ReadResponse`.
const DATA: u64 = 10;

/// Takes the content out of messages, however they are split. After an error nothing more comes.
#[derive(Debug, Default)]
pub(super) struct Parser {
    state: State,
    /// Bytes of the message that are still to come.
    left: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In the five bytes before a message.
    Prefix { bytes: [u8; 5], length: usize },
    /// In a number.
    Number { value: u64, shift: u32, what: Number },
    /// In a field of so many bytes.
    Field { left: u64, is_data: bool },
    /// Nothing that comes means anything.
    Failed,
}

/// What a number is.
#[derive(Clone, Copy, Debug)]
enum Number {
    Key,
    Length { is_data: bool },
    Value,
}

impl Default for State {
    fn default() -> Self {
        Self::Prefix { bytes: [0; 5], length: 0 }
    }
}

impl State {
    fn number(what: Number) -> Self {
        Self::Number { value: 0, shift: 0, what }
    }
}

impl Parser {
    /// Adds the content of a frame to what was taken, or why it is none.
    pub(super) fn parse(&mut self, mut frame: Bytes, pieces: &mut VecDeque<Result<Bytes, &'static str>>) {
        while !frame.is_empty() {
            match self.step(&mut frame) {
                Ok(None) => {}
                Ok(Some(piece)) => pieces.push_back(Ok(piece)),
                Err(reason) => {
                    self.state = State::Failed;
                    pieces.push_back(Err(reason));
                }
            }
        }
    }

    fn step(&mut self, frame: &mut Bytes) -> Result<Option<Bytes>, &'static str> {
        match self.state {
            State::Failed => frame.clear(),
            State::Prefix { mut bytes, mut length } => {
                bytes[length] = frame.get_u8();
                length += 1;
                self.state = State::Prefix { bytes, length };
                if length == bytes.len() {
                    let [compressed, length @ ..] = bytes;
                    if compressed != 0 {
                        return Err("it is compressed, which nobody asked for");
                    }
                    self.left = u32::from_be_bytes(length).into();
                    self.go_on();
                }
            }
            State::Number { value, shift, what } => {
                let byte = frame.get_u8();
                self.left -= 1;
                let value =
                    value | u64::from(byte & 0x7f).checked_shl(shift).ok_or("a number is too long")?;
                match (byte & 0x80 == 0, what) {
                    (false, _) if self.left == 0 => return Err("it ends in a number"),
                    (false, _) => self.state = State::Number { value, shift: shift + 7, what },
                    (true, Number::Value) => self.go_on(),
                    (true, Number::Key) => self.begin(value)?,
                    (true, Number::Length { is_data }) => self.enter(value, is_data)?,
                }
            }
            State::Field { left, is_data } => {
                let length = frame.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let piece = frame.split_to(length);
                let left = left - length as u64;
                self.left -= length as u64;
                self.state = State::Field { left, is_data };
                if left == 0 {
                    self.go_on();
                }
                return Ok(is_data.then_some(piece));
            }
        }
        Ok(None)
    }

    /// To the next field, or to the next message.
    fn go_on(&mut self) {
        self.state = if self.left == 0 { State::default() } else { State::number(Number::Key) };
    }

    /// After the key of a field: its number and its wire type.
    fn begin(&mut self, key: u64) -> Result<(), &'static str> {
        let next = match key & 7 {
            0 => State::number(Number::Value),
            1 => return self.enter(8, false),
            2 => State::number(Number::Length { is_data: key >> 3 == DATA }),
            5 => return self.enter(4, false),
            _ => return Err("a field has no known type"),
        };
        if self.left == 0 {
            return Err("it ends after the key of a field");
        }
        self.state = next;
        Ok(())
    }

    fn enter(&mut self, length: u64, is_data: bool) -> Result<(), &'static str> {
        if length > self.left {
            return Err("a field is longer than its message");
        }
        self.state = State::Field { left: length, is_data };
        if length == 0 {
            self.go_on();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&[0], &length[..], bytes].concat()
    }

    fn parse(frames: &[&[u8]]) -> Result<Vec<u8>, &'static str> {
        let (mut parser, mut pieces) = (Parser::default(), VecDeque::new());
        for frame in frames {
            parser.parse(Bytes::copy_from_slice(frame), &mut pieces);
        }
        let pieces: Result<Vec<Bytes>, _> = pieces.into_iter().collect();
        pieces.map(|pieces| pieces.concat())
    }

    #[test]
    fn content_comes_however_messages_are_split() {
        // Fields that nobody knows yet, of each type, before, between and behind.
        let odd = [
            &[0x52, 2][..],
            b"bc",
            &[0x08, 0x80, 1, 0x12, 3],
            b"xyz",
            &[0x19],
            &[9; 8],
            &[0x25],
            &[9; 4],
            &[0x52, 0],
        ];
        let stream = [
            message(&[0x52, 1, b'a']),
            message(&[]),
            message(&odd.concat()),
            message(&[0x12, 0, 0x52, 1, b'd']),
        ];
        let stream = stream.concat();
        for cut in 0..=stream.len() {
            let (before, after) = stream.split_at(cut);
            assert_eq!(parse(&[before, after]).unwrap(), b"abcd", "{cut}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(parse(&bytes).unwrap(), b"abcd");
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let too_long = [0x52, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        for (bytes, expected) in [
            (vec![1, 0, 0, 0, 0], "it is compressed, which nobody asked for"),
            (message(&[0x52, 2, b'a']), "a field is longer than its message"),
            (message(&[0x19, 1]), "a field is longer than its message"),
            (message(&[0x52]), "it ends after the key of a field"),
            (message(&[0xd2]), "it ends in a number"),
            (message(&[0x53, 1]), "a field has no known type"),
            (message(&too_long), "a number is too long"),
        ] {
            assert_eq!(parse(&[&bytes]), Err(expected), "{bytes:?}");
            // Nothing that comes afterwards is taken for content.
            assert_eq!(parse(&[&bytes, &message(&[0x52, 1, b'a'])]), Err(expected), "{bytes:?}");
        }
    }
}
