//! The figures of a run as TensorBoard reads them.
//!
//! An event file is a sequence of records, each an `Event` of TensorFlow's protocol buffers between
//! checksums:
//!
//! ```text
//! length  u64    masked CRC-32C of the length  u32    event  bytes    masked CRC-32C of the event  u32
//! ```
//!
//! all little-endian; masked: rotated right by 15 bits, plus 0xa282ead8. TensorFlow's
//! `tensorflow/core/lib/io/record_writer.h` and `core/util/event.proto`. Only what is written here is
//! declared. (The crates for it need a `protoc` to be built, or are not kept.)

use prost::Message;

/// TensorBoard knows event files by a part of their name, and finds them in any folder.
pub(crate) const FILE: &str = "events.out.tfevents.0.backdraft";

#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, tag = "2")]
    simple_value: f32,
}

/// What an event file begins with.
pub(crate) fn header(wall_time: f64) -> Vec<u8> {
    record(&Event {
        wall_time,
        step: 0,
        file_version: Some("brain.Event:2".to_string()),
        summary: None,
    })
}

/// The figures of a step, each with its name.
pub(crate) fn scalars(wall_time: f64, step: usize, figures: &[(&str, f64)]) -> Vec<u8> {
    let value = |(tag, value): &(&str, f64)| Value {
        tag: (*tag).to_string(),
        simple_value: *value as f32,
    };
    record(&Event {
        wall_time,
        step: step as i64,
        file_version: None,
        summary: Some(Summary {
            value: figures.iter().map(value).collect(),
        }),
    })
}

fn record(event: &Event) -> Vec<u8> {
    let event = event.encode_to_vec();
    let length = (event.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(&event);
    record.extend(masked_crc(&event).to_le_bytes());
    record
}

fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As TensorFlow 2 writes `brain.Event:2` at time 0.
    #[test]
    fn a_header_is_that_of_tensorflow() {
        let expected = [
            0x18, 0, 0, 0, 0, 0, 0, 0, // 24 bytes
            0xa3, 0x7f, 0x4b, 0x22, // CRC of the length
            0x09, 0, 0, 0, 0, 0, 0, 0, 0, // wall_time
            0x1a, 0x0d, b'b', b'r', b'a', b'i', b'n', b'.', b'E', b'v', b'e', b'n', b't', b':',
            b'2',
        ];
        let header = header(f64::MIN_POSITIVE);
        assert_eq!(header.len(), 8 + 4 + 24 + 4);
        assert_eq!(header[..12], expected[..12]);
        assert_eq!(header[12 + 9..12 + 24], expected[12 + 9..]);
    }

    #[test]
    fn figures_are_read_as_they_were_written() {
        let record = scalars(1.5, 7, &[("loss/train", 0.25), ("learning rate", 1e-3)]);
        let length = u64::from_le_bytes(record[..8].try_into().unwrap()) as usize;
        assert_eq!(record.len(), 16 + length);
        let event = Event::decode(&record[12..12 + length]).unwrap();
        assert_eq!((event.wall_time, event.step), (1.5, 7));
        let values = event.summary.unwrap().value;
        assert_eq!(values[0].tag, "loss/train");
        assert_eq!(values[0].simple_value, 0.25);
        let crc = u32::from_le_bytes(record[12 + length..].try_into().unwrap());
        assert_eq!(crc, masked_crc(&record[12..12 + length]));
    }
}
