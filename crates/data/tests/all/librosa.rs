//! Sound to vectors, against what librosa 0.11.0 makes of the same sound.
//!
//! ```python
//! import librosa, numpy as np
//!
//! n = np.arange(2400)
//! t = n / 8000
//! tones = np.sin(2 * np.pi * (300 + 1500 * t) * t) + 0.5 * np.sin(2 * np.pi * 2200 * t)
//! noise = (31 * n**3 + 17 * n**2) % 1009 / 1009 - 0.5
//! y = ((1 - n / 2400) * (0.5 * tones + 0.002 * noise)).astype(np.float32)
//!
//! def record(c):
//!     for row in c[:, [0, (c.shape[1] - 1) // 2, -1]].T:
//!         print(", ".join(f"{v:.5f}" for v in row))
//! ```
//!
//! Towards its end the sound is so quiet that some of its decibels are raised to 80 below the loudest.

use std::f64::consts::TAU;

use backdraft_data::{Framing, MelScale, MfccConfig};

const RATE: u32 = 8000;

/// In decibels, of sums of some hundreds: the rounding of single precision, in which librosa computes, too.
const TOLERANCE: f64 = 2e-4;

/// 0.3 seconds of a rising and a steady tone with some noise, fading away.
fn sound() -> Vec<f32> {
    let sample = |n: u64| {
        let t = n as f64 / f64::from(RATE);
        let tones = (TAU * (300.0 + 1500.0 * t) * t).sin() + 0.5 * (TAU * 2200.0 * t).sin();
        let noise = ((31 * n.pow(3) + 17 * n.pow(2)) % 1009) as f64 / 1009.0 - 0.5;
        ((1.0 - n as f64 / 2400.0) * (0.5 * tones + 0.002 * noise)) as f32
    };
    (0..2400).map(sample).collect()
}

/// The first frame, the one in the middle and the last are as recorded, of so many.
#[track_caller]
fn as_recorded<const N: usize>(config: &MfccConfig, frames: usize, recorded: [[f64; N]; 3]) {
    let mfcc = config.init(RATE).unwrap();
    let found = mfcc.of(&sound());
    assert_eq!(mfcc.features(), N);
    assert_eq!(mfcc.frames(2400), frames);
    assert_eq!(found.len(), frames * N);
    for (frame, recorded) in [0, (frames - 1) / 2, frames - 1].into_iter().zip(recorded) {
        for (i, recorded) in recorded.into_iter().enumerate() {
            let found = f64::from(found[frame * N + i]);
            assert!(
                (found - recorded).abs() < TOLERANCE,
                "frame {frame}, {i}: {found} for {recorded}"
            );
        }
    }
}

/// Centred frames are whole frames of the sound with half a transform of silence at either end.
#[test]
fn centred_frames_begin_and_end_in_silence() {
    for (frame, transform) in [(64, 64), (50, 64), (51, 64), (50, 65), (51, 65)] {
        let of = |framing: Framing, sound: &[f32]| {
            let config = MfccConfig {
                frame_ms: f64::from(frame) / 8.0,
                step_ms: 2.5,
                framing,
                transform: Some(transform),
                filters: 8,
                coefficients: 8,
                ..MfccConfig::new().with_librosa_definitions()
            };
            config.init(RATE).unwrap().of(sound)
        };
        for samples in [1, 2, 19, 20, 21, 63, 64, 65, 333] {
            let sound = &sound()[..samples];
            let silence = vec![0.0; transform / 2];
            let found = of(Framing::Centred, sound);
            let expected = of(Framing::Whole, &[&silence, sound, &silence].concat());
            assert_eq!(found, expected, "{frame} of {transform}, {samples}");
            assert!(!found.is_empty());
        }
        assert!(of(Framing::Whole, &sound()[..transform - 1]).is_empty());
        assert!(of(Framing::Centred, &[]).is_empty());
    }
}

// record(librosa.feature.mfcc(y=y, sr=8000))
#[test]
fn as_librosa_does_by_default() {
    as_recorded(
        &MfccConfig::librosa(RATE),
        5,
        [
            [
                -126.13768, 89.94704, 117.77153, 44.61098, -99.77854, -24.71661, -21.87772,
                -35.02620, -2.82642, -10.55487, 25.10772, 20.58224, -18.22124, 8.35921, 5.91269,
                -0.40268, 7.29651, -7.45139, 10.01508, 5.54547,
            ],
            [
                -299.01199, 167.43880, -45.58020, -164.91890, -164.17963, -12.94744, 18.50792,
                -13.27256, 3.95904, -8.59072, 37.38163, 40.11617, -13.57741, 16.41894, 8.45666,
                0.38109, 18.05141, -28.19020, -1.22176, 11.58578,
            ],
            [
                -441.81570, 46.70993, -163.89255, -124.06839, 29.53723, 139.80270, 20.69163,
                -64.84276, -0.43311, -15.02197, -3.80210, 10.15940, -1.69609, 38.42830, -12.51485,
                -29.69167, 17.73261, -13.96416, 7.15451, 13.12716,
            ],
        ],
    );
}

// record(librosa.feature.mfcc(y=y, sr=8000, n_mfcc=13, n_fft=256, win_length=200, hop_length=80, n_mels=26,
//                             htk=True, mel_norm=None))
#[test]
fn on_htks_scale_with_filters_of_one_height() {
    let config = MfccConfig {
        mel_scale: MelScale::Htk,
        equal_areas: false,
        ..MfccConfig::new().with_librosa_definitions()
    };
    as_recorded(
        &config,
        31,
        [
            [
                7.67268, 23.33492, 41.19961, 10.53583, -41.72395, 1.83645, -3.26633, -14.23617,
                2.84633, -1.96577, 8.36413, 4.38413, -5.46473,
            ],
            [
                -148.57256, -14.23342, -50.86552, -34.21229, -44.36004, 73.69695, 25.98284,
                -36.59225, 7.75132, -28.65779, 15.24856, 22.29807, -19.63599,
            ],
            [
                -222.20840, -17.98686, -31.51235, 20.70786, 7.45843, 6.09134, -23.94365, -1.82515,
                32.96961, -20.92257, -8.68925, 14.09974, -4.78768,
            ],
        ],
    );
}

// In double precision: librosa's own rounding of quiet frames, liftered twelvefold, is greater than the tolerance.
//
// x = librosa.effects.preemphasis(y.astype(np.float64), coef=0.97, zi=[0])
// c = librosa.feature.mfcc(y=x, sr=8000, n_mfcc=8, n_fft=300, win_length=201, hop_length=77, center=False,
//                          n_mels=30, fmin=100, fmax=3800, lifter=22, dtype=np.float64)
// record(np.concatenate([c, librosa.feature.delta(c, width=5, mode="nearest")]))
#[test]
fn emphasised_and_liftered_of_whole_frames_with_deltas() {
    let config = MfccConfig {
        pre_emphasis: 0.97,
        frame_ms: 201.0 / 8.0,
        step_ms: 77.0 / 8.0,
        framing: Framing::Whole,
        transform: Some(300),
        filters: 30,
        low_hz: 100.0,
        high_hz: Some(3800.0),
        coefficients: 8,
        lifter: 22.0,
        deltas: 1,
        ..MfccConfig::new().with_librosa_definitions()
    };
    as_recorded(
        &config,
        28,
        [
            [
                -664.30569, 74.83204, 357.03906, 438.38767, -246.60851, 204.86282, -287.13290,
                -391.57427, 4.93246, 0.56937, -12.13326, -30.36772, -30.10307, -32.92987,
                -38.16466, -28.52187,
            ],
            [
                -694.57972, 28.96424, -61.60374, -276.08025, -820.68220, 129.09712, 98.22034,
                148.57329, -6.67537, -13.48933, -38.21687, -36.99059, 26.52755, 90.33017, 80.60137,
                18.75340,
            ],
            [
                -882.43698, -80.37168, -316.25084, -15.63652, 76.33605, 572.15889, -386.11445,
                -459.05618, -11.67951, 0.86448, 7.33121, 25.76511, 17.20722, -35.60716, -37.79272,
                19.70934,
            ],
        ],
    );
}
