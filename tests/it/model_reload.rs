//! Another model is put in while posts are being scored.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Client, TestApp, posts, until};

/// A copy of the swift model, and a server that scores with it.
struct Copy {
    folder: tempfile::TempDir,
    app: TestApp,
}

impl Copy {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in ["model.onnx", "tokenizer.json", "manifest.json"] {
            fs::copy(original(file), folder.path().join(file)).unwrap();
        }
        let model = format!("--fast-model={}", folder.path().display());
        let app = TestApp::start_with(&[&model, "--result-cache-mb=0"]).await;
        Self { folder, app }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn release(&self, version: &str) {
        let mut manifest: Value =
            serde_json::from_slice(&fs::read(self.path("manifest.json")).unwrap()).unwrap();
        manifest["version"] = version.into();
        fs::write(self.path("manifest.json"), manifest.to_string()).unwrap();
    }

    async fn reload(&self) -> (u16, Value) {
        reload(&self.app).await
    }

    /// How many versions have scored what is stored.
    async fn n_versions(&self) -> i64 {
        const SQL: &str =
            "SELECT count(DISTINCT m.version) FROM sentiment_analysis s JOIN models m ON m.id = s.model";
        self.app.space.sql().await.query_one(SQL, &[]).await.unwrap().get(0)
    }
}

fn original(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/swift").join(file)
}

async fn reload(client: &Client) -> (u16, Value) {
    let answer = client.post("/api/v1/models/reload", &Value::Null).await.unwrap();
    (answer.status, answer.body)
}

#[tokio::test]
async fn a_reload_under_load_loses_no_post() {
    const N_RELOADS: u64 = 5;
    let copy = Copy::start().await;
    let load = copy.app.load();
    for n in 1..=N_RELOADS {
        let enough = load.n_accepted() + 200;
        until("posts arrive", async || load.n_accepted() >= enough).await;
        let version = format!("test-{n}");
        copy.release(&version);
        let (status, body) = copy.reload().await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["items"][0]["tier"], "swift");
        assert_eq!(body["items"][0]["after"]["version"], version.as_str());
        let in_use = copy.app.system().await.model;
        until("the server says so", async || copy.app.system().await.model.id.version == version).await;
        assert_eq!(in_use.degraded, None);
    }
    let n_sent = load.stop().await;
    copy.app.space.assert_counted_once(n_sent).await;
    assert!(copy.n_versions().await >= 3, "posts were scored by old and new models");
}

#[tokio::test]
async fn a_damaged_model_is_refused_and_the_old_one_goes_on() {
    let copy = Copy::start().await;
    copy.release("test-broken");
    let whole = fs::read(copy.path("model.onnx")).unwrap();
    fs::write(copy.path("model.onnx"), &whole[..whole.len() / 2]).unwrap();
    let (status, body) = copy.reload().await;
    assert_eq!((status, &body["error"]["code"]), (422, &json!("model_refused")), "{body}");
    assert_eq!(body["error"]["details"]["field"], "swift");
    assert!(body["error"]["message"].as_str().unwrap().contains("model.onnx"), "{body}");

    copy.app.publish(posts(0..50)).await;
    copy.app.space.assert_counted_once(50).await;
    let model = copy.app.system().await.model;
    assert!(model.degraded.is_none() && model.id.name == "swift" && model.id.version != "test-broken");

    fs::write(copy.path("model.onnx"), whole).unwrap();
    assert_eq!(copy.reload().await.0, 200);
}
