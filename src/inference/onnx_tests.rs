//! Small networks with random weights, exported by Optimum, compared with PyTorch. These tests never skip.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::*;

/// Tolerance between two implementations of the same arithmetic.
const TOLERANCE: f32 = 1e-3;

const MODELS: [&str; 3] = ["tiny-roberta-sentiment", "tiny-distilbert-emotion", "tiny-bert-toxicity"];

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(name)
}

fn read(folder: &Path) -> Result<Network, InferenceError> {
    let library = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".groundswell/lib/libonnxruntime.so");
    let params = LoadParams { runtime_library: Some(library), ..LoadParams::default() };
    Network::read(&params, folder, &HeadKind::ALL)
}

#[derive(Deserialize)]
struct Golden {
    text: String,
    ids: Vec<i64>,
    logits: Vec<f32>,
}

fn golden(name: &str) -> Vec<Golden> {
    serde_json::from_slice(&fs::read(folder(name).join("golden.json")).unwrap()).unwrap()
}

#[test]
fn logits_of_third_party_classifiers_equal_those_of_python() {
    for name in MODELS {
        let network = Arc::new(read(&folder(name)).unwrap());
        let golden = golden(name);
        let tokens: Vec<Tokens> = golden.iter().map(|row| network.encode(&row.text).unwrap()).collect();
        for (row, tokens) in golden.iter().zip(&tokens) {
            assert_eq!(tokens.ids, row.ids, "{name}: {:?}", row.text);
        }
        // Python ran them all in one batch, padded to the longest.
        let width = tokens.iter().map(|tokens| tokens.ids.len()).max().unwrap();
        assert_eq!(width, network.manifest.max_tokens, "one text is truncated");
        let batch = Batch { indices: (0..tokens.len()).collect(), width };
        let mut n_compared = 0;
        let mut scorer = network.build(Tier::Deep).unwrap();
        run(&mut scorer.session, &network, (&batch, &tokens), |_, index, logits| {
            for (actual, expected) in logits.iter().zip(&golden[index].logits) {
                assert!(
                    (actual - expected).abs() <= TOLERANCE,
                    "{name}: {:?}: {logits:?}",
                    golden[index].text
                );
                n_compared += 1;
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(n_compared, golden.len() * golden[0].logits.len(), "{name}");
    }
}

#[test]
fn padding_does_not_change_a_prediction() {
    for name in MODELS {
        let network = Arc::new(read(&folder(name)).unwrap());
        let mut scorer = network.build(Tier::Deep).unwrap();
        let golden = golden(name);
        let texts: Vec<&str> = golden.iter().map(|row| row.text.as_str()).collect();
        let mut together = vec![Prediction::default(); texts.len()];
        scorer.read(&texts, &mut together).unwrap();
        for (text, together) in texts.iter().zip(&together) {
            let mut alone = [Prediction::default()];
            scorer.read(&[text], &mut alone).unwrap();
            let pairs = [
                (alone[0].sentiment[2], together.sentiment[2]),
                (alone[0].emotion[3], together.emotion[3]),
                (alone[0].toxicity, together.toxicity),
            ];
            assert!(
                pairs.iter().all(|(alone, together)| (alone - together).abs() < TOLERANCE),
                "{name} {text:?}"
            );
        }
    }
}

#[test]
fn the_duration_of_each_step_of_a_tier_is_measured() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        let network = Arc::new(read(&folder("tiny-bert-toxicity")).unwrap());
        let mut predictions = [Prediction::default(); 2];
        network.build(Tier::Deep).unwrap().read(&["one", "two"], &mut predictions).unwrap();
    });
    let told = recorder.handle().render();
    for stage in ["tokenize", "run", "decode"] {
        let line = format!("groundswell_inference_{stage}_seconds_count{{tier=\"deep\"}} 1");
        assert!(told.contains(&line), "{line} is not in {told}");
    }
}

#[test]
fn words_outside_the_vocabulary_are_uncertain() {
    let check = |name: &str, text: &str, uncertain: bool| {
        let tokens = read(&folder(name)).unwrap().encode(text).unwrap();
        assert_eq!(tokens.uncertain, uncertain, "{name}: {text:?}");
    };
    check("tiny-distilbert-emotion", "the train leaves at ten", false);
    check("tiny-distilbert-emotion", "これは良いです", true);
    check("tiny-distilbert-emotion", "😂😂", true);
    check("tiny-roberta-sentiment", "", true);
    check("tiny-roberta-sentiment", "ok", false);
}

/// Copies a model, lets `change` modify the copy, and updates the hashes in its manifest.
fn changed(name: &str, change: impl FnOnce(&Path, &mut Value)) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in ["model.onnx", "tokenizer.json", "manifest.json"] {
        fs::copy(folder(name).join(file), copy.path().join(file)).unwrap();
    }
    let path = copy.path().join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(copy.path(), &mut manifest);
    for part in ["model", "tokenizer"] {
        let file = manifest[part]["file"].as_str().unwrap();
        let hash = hex::encode(Sha256::digest(fs::read(copy.path().join(file)).unwrap()));
        manifest[part]["sha256"] = hash.into();
    }
    fs::write(path, manifest.to_string()).unwrap();
    copy
}

fn refused(name: &str, reason: &str, change: impl FnOnce(&Path, &mut Value)) {
    let error = read(changed(name, change).path()).err().unwrap().to_string();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn a_truncated_network_is_refused_even_with_a_matching_manifest() {
    refused("tiny-distilbert-emotion", "cannot be used", |copy, _| {
        let path = copy.join("model.onnx");
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    });
}

#[test]
fn a_truncated_tokenizer_is_refused_even_with_a_matching_manifest() {
    refused("tiny-roberta-sentiment", "tokenizer.json", |copy, _| {
        let path = copy.join("tokenizer.json");
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    });
}

#[test]
fn a_network_that_returns_nan_is_refused() {
    refused("tiny-bert-toxicity", "not a number", |copy, _| {
        let path = copy.join("model.onnx");
        let mut bytes = fs::read(&path).unwrap();
        // An offset within the first layer's weights; four 0xFF bytes are a NaN at any alignment.
        let start = bytes.len() * 5 / 7;
        bytes[start..start + 256].fill(0xff);
        fs::write(path, bytes).unwrap();
    });
}

#[test]
fn a_tokenizer_with_as_many_ids_in_another_order_is_refused() {
    refused("tiny-distilbert-emotion", "golden.json", |copy, _| {
        fs::copy(folder("tiny-distilbert-emotion").join("golden.json"), copy.join("golden.json")).unwrap();
        let path = copy.join("tokenizer.json");
        let mut tokenizer: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let ids = tokenizer["model"]["vocab"].as_object_mut().unwrap();
        let (love, best) = (ids["love"].clone(), ids["best"].clone());
        ids["love"] = best;
        ids["best"] = love;
        fs::write(path, tokenizer.to_string()).unwrap();
    });
}

#[test]
fn the_tokenizer_of_another_model_is_refused() {
    let exchange = |copy: &Path| {
        fs::copy(folder("tiny-roberta-sentiment").join("tokenizer.json"), copy.join("tokenizer.json"))
            .unwrap();
    };
    refused("tiny-distilbert-emotion", "another model", |copy, _| exchange(copy));
    // Must be rejected even with a matching manifest: the network does not accept the highest ids.
    refused("tiny-distilbert-emotion", "cannot be used", |copy, manifest| {
        exchange(copy);
        manifest["n_ids"] = read(&folder("tiny-roberta-sentiment")).unwrap().manifest.n_ids.into();
    });
}

#[test]
fn a_manifest_that_does_not_fit_the_network_is_refused() {
    let name = "tiny-bert-toxicity";
    refused(name, "requires `token_type_ids`", |_, manifest| {
        manifest["inputs"] = serde_json::json!(["input_ids", "attention_mask"]);
    });
    refused("tiny-distilbert-emotion", "`inputs` has `token_type_ids`", |_, manifest| {
        manifest["inputs"] = serde_json::json!(["input_ids", "attention_mask", "token_type_ids"]);
    });
    refused(name, "expected 1", |_, manifest| manifest["outputs"]["toxicity"] = "logits".into());
    refused(name, "`score`", |_, manifest| manifest["outputs"]["toxicity"]["name"] = "score".into());
    refused(name, "cannot be used", |_, manifest| manifest["max_tokens"] = 500.into());
    refused("tiny-roberta-sentiment", "not a probability", |_, manifest| {
        manifest["outputs"]["sentiment"]["activation"] = "none".into();
        manifest["outputs"]["sentiment"]["temperature"] = 1.into();
    });
}
