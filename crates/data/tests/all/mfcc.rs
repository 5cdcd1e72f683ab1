//! Sound to vectors, against sums written out.

use std::f64::consts::PI;

use backdraft_data::{FeatureSequences, Logarithm, MfccConfig, Sound, read_wav};
use hound::{SampleFormat, WavSpec, WavWriter};

/// Two tones that come and go.
fn sound(samples: usize, rate: u32) -> Vec<f32> {
    let at = |n: usize| n as f64 / f64::from(rate);
    let tone = |n: usize, hertz: f64| (2.0 * PI * hertz * at(n)).sin();
    let all = (0..samples).map(|n| {
        let fade = n as f64 / samples as f64;
        fade * tone(n, 440.0) + (1.0 - fade) * 0.5 * tone(n, 1730.0) + 0.01 * (n * n) as f64 % 0.1
    });
    all.map(|x| x as f32).collect()
}

/// The equations, each sum written out, with a plain Fourier transform.
fn reference(samples: &[f32], rate: f64, coefficients: usize, filters: usize) -> Vec<Vec<f64>> {
    let (frame, step) = ((0.025 * rate) as usize, (0.01 * rate) as usize);
    let size = frame.next_power_of_two();
    let y = |n: usize| match n {
        _ if n >= samples.len() => 0.0,
        0 => f64::from(samples[0]),
        _ => f64::from(samples[n]) - 0.97 * f64::from(samples[n - 1]),
    };
    let mel = |f: f64| 2595.0 * (1.0 + f / 700.0).log10();
    let corner = |m: usize| {
        let at = mel(rate / 2.0) * m as f64 / (filters + 1) as f64;
        700.0 * (10_f64.powf(at / 2595.0) - 1.0)
    };
    let count = 1 + (samples.len() - frame).div_ceil(step);
    (0..count)
        .map(|t| {
            let energy = |m: usize| {
                let mut energy = 0.0;
                for k in 0..=size / 2 {
                    let f = k as f64 * rate / size as f64;
                    let (a, b, c) = (corner(m), corner(m + 1), corner(m + 2));
                    let height = if f <= b {
                        (f - a) / (b - a)
                    } else {
                        (c - f) / (c - b)
                    };
                    if height <= 0.0 {
                        continue;
                    }
                    let (mut re, mut im) = (0.0, 0.0);
                    for n in 0..frame {
                        let w = 0.54 - 0.46 * (2.0 * PI * n as f64 / (frame - 1) as f64).cos();
                        let angle = 2.0 * PI * (k * n) as f64 / size as f64;
                        re += w * y(t * step + n) * angle.cos();
                        im -= w * y(t * step + n) * angle.sin();
                    }
                    energy += height * (re * re + im * im) / size as f64;
                }
                energy.max(1e-10).ln()
            };
            let energies: Vec<f64> = (0..filters).map(energy).collect();
            let coefficient = |i: usize| {
                let of = |(m, e): (usize, &f64)| {
                    e * (PI * i as f64 * (2 * m + 1) as f64 / (2 * filters) as f64).cos()
                };
                let sum: f64 = energies.iter().enumerate().map(of).sum();
                sum * (if i == 0 { 1.0 } else { 2.0 } / filters as f64).sqrt()
            };
            (0..coefficients).map(coefficient).collect()
        })
        .collect()
}

#[test]
fn coefficients_are_those_of_a_plain_fourier_transform() {
    let rate = 8000;
    let samples = sound(530, rate);
    let config = MfccConfig::new().with_filters(20).with_coefficients(12);
    let mfcc = config.init(rate).unwrap();
    let expected = reference(&samples, f64::from(rate), 12, 20);
    let found = mfcc.of(&samples);
    assert_eq!(mfcc.features(), 12);
    assert_eq!(mfcc.frames(530), 6);
    assert_eq!(found.len(), 6 * 12);
    for (found, expected) in found.iter().zip(expected.concat()) {
        assert!(
            (f64::from(*found) - expected).abs() < 1e-4,
            "{found} against {expected}"
        );
    }
}

/// As a run had it before there were other definitions than these.
#[test]
fn what_a_configuration_does_not_say_is_as_it_was() {
    let old = r#"{"pre_emphasis": 0.97, "frame_ms": 25.0, "step_ms": 10.0, "filters": 26, "coefficients": 13,
        "low_hz": 0.0, "high_hz": null, "deltas": 0}"#;
    let old: MfccConfig = serde_json::from_str(old).unwrap();
    assert_eq!(old, MfccConfig::new());
    let librosa = MfccConfig::librosa(8000);
    let text = serde_json::to_string(&librosa).unwrap();
    assert!(
        text.contains(r#""logarithm":{"decibels":{"top_db":80.0}}"#),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<MfccConfig>(&text).unwrap(), librosa);
    assert!(serde_json::from_str::<MfccConfig>(r#"{"hop": 1}"#).is_err());
    let unknown = r#"{"logarithm": {"decibels": {"top": 80.0}}}"#;
    assert!(serde_json::from_str::<MfccConfig>(unknown).is_err());
}

#[test]
fn deltas_stand_beside_what_changes() {
    let rate = 8000;
    let samples = sound(900, rate);
    let with = MfccConfig::new().with_deltas(2).init(rate).unwrap();
    let plain = MfccConfig::new().init(rate).unwrap().of(&samples);
    let (found, frames) = (with.of(&samples), with.frames(900));
    assert_eq!(with.features(), 39);
    let at = |t: isize, i: usize| plain[t.clamp(0, frames as isize - 1) as usize * 13 + i];
    let delta = |t: isize, i: usize| {
        (at(t + 1, i) - at(t - 1, i) + 2.0 * (at(t + 2, i) - at(t - 2, i))) / 10.0
    };
    let end = frames as isize - 1;
    for t in 0..=end {
        for i in 0..13 {
            let vector = &found[t as usize * 39..][..39];
            assert_eq!(vector[i], at(t, i));
            assert!((vector[13 + i] - delta(t, i)).abs() < 1e-4);
            let d = |t: isize| delta(t.clamp(0, end), i);
            let second = (d(t + 1) - d(t - 1) + 2.0 * (d(t + 2) - d(t - 2))) / 10.0;
            assert!((vector[26 + i] - second).abs() < 1e-4);
        }
    }
}

#[test]
fn short_sound_is_one_frame_and_none_is_none() {
    let mfcc = MfccConfig::new().init(8000).unwrap();
    assert_eq!(mfcc.of(&[]), [0.0; 0]);
    assert_eq!(mfcc.of(&[0.1; 5]).len(), 13);
    assert_eq!(
        [1, 200, 201, 280, 281].map(|n| mfcc.frames(n)),
        [1, 1, 2, 2, 3]
    );
    // A step that is longer than a frame leads beyond the sound.
    let far = MfccConfig {
        frame_ms: 1.0,
        step_ms: 10.0,
        ..MfccConfig::new().with_filters(3).with_coefficients(2)
    };
    assert_eq!(far.init(8000).unwrap().of(&[0.1; 9]).len(), 4);
    let silence = mfcc.of(&[0.0; 400]);
    assert!(silence.iter().all(|value| value.is_finite()));
    let rows = FeatureSequences::of_rows(13, [silence.clone(), mfcc.of(&[0.1; 5])]).unwrap();
    assert_eq!((rows.len(), rows.length(0), rows.length(1)), (2, 4, 1));
    assert!(FeatureSequences::of_rows(5, [silence]).is_err());
}

#[test]
fn sound_is_read_from_every_kind_of_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    let spec = |channels, bits_per_sample, sample_format| WavSpec {
        channels,
        sample_rate: 8000,
        bits_per_sample,
        sample_format,
    };
    let read = |rate_and: Sound| (rate_and.rate, rate_and.samples);
    for bits in [8, 16, 24] {
        let full = 1 << (bits - 1);
        let mut writer = WavWriter::create(&path, spec(2, bits, SampleFormat::Int)).unwrap();
        for sample in [full / 2, 0, -full, -full] {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        assert_eq!(
            read(read_wav(&path).unwrap()),
            (8000, vec![0.25, -1.0]),
            "{bits} bits"
        );
    }
    let mut writer = WavWriter::create(&path, spec(1, 32, SampleFormat::Float)).unwrap();
    writer.write_sample(0.3_f32).unwrap();
    writer.finalize().unwrap();
    assert_eq!(read(read_wav(&path).unwrap()), (8000, vec![0.3]));

    std::fs::write(&path, "no sound at all, but long enough for a head").unwrap();
    let error = read_wav(&path).unwrap_err().to_string();
    assert!(error.starts_with("sound: expected a WAV file"), "{error}");
    assert!(error.contains("sound.wav"), "{error}");
    let missing = read_wav("no-such.wav").unwrap_err().to_string();
    assert!(missing.starts_with("cannot read no-such.wav"), "{missing}");
}

#[test]
fn impossible_settings_are_refused() {
    let refused = |config: MfccConfig| config.init(8000).unwrap_err().to_string();
    assert_eq!(
        refused(MfccConfig::new().with_coefficients(27)),
        "the coefficients: expected at least 1 and at most 26, the filters, found 27"
    );
    let config = MfccConfig {
        high_hz: Some(5000.0),
        ..MfccConfig::new()
    };
    assert!(refused(config).contains("within 0 and 4000, half the sample rate, found 0 to 5000"));
    assert!(refused(MfccConfig::new().with_deltas(3)).contains("the deltas"));
    assert!(refused(MfccConfig::new().with_filters(200)).contains("the filters"));
    let short = MfccConfig {
        transform: Some(199),
        ..MfccConfig::new()
    };
    assert_eq!(
        refused(short),
        "the samples of a transform: expected at least 200, those of a frame, and at most 16777216, found 199"
    );
    let loud = MfccConfig {
        logarithm: Logarithm::Decibels { top_db: Some(-1.0) },
        ..MfccConfig::new()
    };
    assert!(
        refused(loud).contains("the decibels below the loudest: expected at least 0, found -1")
    );
    for impossible in [-1.0, f64::NAN, f64::INFINITY] {
        let lifted = MfccConfig {
            lifter: impossible,
            ..MfccConfig::new()
        };
        assert!(refused(lifted).contains("the lifter"), "{impossible}");
    }
    // The first filter of 128 lies between two frequencies of 2048 samples.
    assert!(MfccConfig::librosa(168_200).init(168_200).is_ok());
    for rate in [168_300, 192_000] {
        let refused = MfccConfig::librosa(rate).init(rate).unwrap_err();
        assert!(refused.to_string().contains("the filters"), "{rate}");
    }
    let error = MfccConfig::new().init(u32::MAX).unwrap_err().to_string();
    assert!(error.contains("those of 2 to 16777216 samples"), "{error}");
    assert!(MfccConfig::librosa(0).init(0).is_err());
    for impossible in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let frame = MfccConfig {
            frame_ms: impossible,
            ..MfccConfig::new()
        };
        assert!(
            refused(frame).contains("milliseconds of a frame"),
            "{impossible}"
        );
        let step = MfccConfig {
            step_ms: impossible,
            ..MfccConfig::new()
        };
        assert!(
            refused(step).contains("from frame to frame"),
            "{impossible}"
        );
    }
}
