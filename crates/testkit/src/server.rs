//! The whole API over memory stores, in this process, and short ways to talk to it.

use std::sync::Arc;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::Request;
use http::header;
use http_body_util::BodyExt as _;
use lakehold_actions::Actions;
use lakehold_api::ApiContext;
use lakehold_api::ApiRouter;
use lakehold_api::ApiSettings;
use lakehold_api::Matched;
use lakehold_auth::Auth;
use lakehold_auth::AuthSettings;
use lakehold_auth::DEFAULT_LOGIN_DURATION;
use lakehold_auth::Setup;
use lakehold_block::BlockStore;
use lakehold_block::MemBlockStore;
use lakehold_catalog::Catalog;
use lakehold_catalog::CatalogSettings;
use lakehold_catalog::Engine;
use lakehold_clock::Runtime;
use lakehold_engine::NoHooks;
use lakehold_gc::Gc;
use lakehold_kv::MemStore;
use lakehold_kv::Store;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;
use serde_json::Value;
use serde_json::json;

use crate::Answer;

/// Access key id of the administrator.
pub const ACCESS_KEY: &str = "AKIAJTESTTESTTESTTEQ";
/// Their secret access key.
pub const SECRET_KEY: &str = "secret+/of the test";

/// A server and the credentials of its administrator.
#[derive(Clone, Debug)]
pub struct TestServer {
    router: ApiRouter,
    authorization: Option<String>,
}

impl TestServer {
    /// Set up, with the repository `lake` in it.
    pub async fn new() -> Self {
        let server = Self::without_repository().await;
        let lake = json!({"name": "lake", "storage_namespace": "mem://lake"});
        server.post("/repositories", lake).await.is(201);
        server
    }

    /// Set up, and empty.
    pub async fn without_repository() -> Self {
        Self::set_up(Self::fresh()).await
    }

    /// Over these stores, set up there.
    pub async fn set_up_over(
        kv: Arc<dyn Store>,
        blocks: Arc<dyn BlockStore>,
        runtime: Runtime,
    ) -> Self {
        Self::set_up(Self::over(kv, blocks, runtime)).await
    }

    async fn set_up((server, auth): (Self, Auth)) -> Self {
        let key = Some((ACCESS_KEY.to_owned(), SECRET_KEY.to_owned()));
        let setup = Setup { username: "admin".to_owned(), key, email: None };
        auth.setup(setup).await.expect("set up");
        server.presenting(&basic(ACCESS_KEY, SECRET_KEY))
    }

    /// Not set up yet; its requests carry no credentials.
    pub fn fresh() -> (Self, Auth) {
        let (runtime, _) = Runtime::seeded(1);
        let blocks = Arc::new(MemBlockStore::with_runtime(runtime.clone()));
        Self::over(Arc::new(MemStore::default()), blocks, runtime)
    }

    /// Over these stores, as they are; its requests carry no credentials.
    pub fn over(kv: Arc<dyn Store>, blocks: Arc<dyn BlockStore>, runtime: Runtime) -> (Self, Auth) {
        let trees = Trees::new(blocks.clone(), runtime.clone(), TreeSettings::default());
        let engine = Engine::new(kv.clone(), trees, Arc::new(NoHooks), runtime.clone());
        let catalog_settings =
            CatalogSettings { signing_key: b"signing key".to_vec(), ensure_readable_root: true };
        let auth_settings = AuthSettings {
            secret_key: b"a secret key of the server".to_vec(),
            login_duration: DEFAULT_LOGIN_DURATION,
        };
        let auth = Auth::new(kv, runtime.clone(), auth_settings);
        let context = ApiContext {
            actions: Actions::new(engine.clone(), blocks.clone()),
            gc: Gc::new(engine.clone(), blocks.clone()),
            catalog: Catalog::new(engine, blocks, runtime.clone(), catalog_settings),
            auth: auth.clone(),
            runtime,
            settings: ApiSettings::default(),
        };
        let router = lakehold_api::router(&Arc::new(context));
        (Self { router, authorization: None }, auth)
    }

    /// The same server, seen by somebody who presents this.
    pub fn presenting(&self, authorization: &str) -> Self {
        Self { router: self.router.clone(), authorization: Some(authorization.to_owned()) }
    }

    /// The same server, seen by somebody who presents nothing.
    pub fn anonymous(&self) -> Self {
        Self { router: self.router.clone(), authorization: None }
    }

    /// Sends a request; with the credentials of this view where it has none of its own.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        if let Some(authorization) = &self.authorization
            && !request.headers().contains_key(header::AUTHORIZATION)
        {
            let value = authorization.parse().expect("a header value");
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let matched = Matched::find(request.uri().path(), "");
        let response = self.router.answer(matched, request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map(|all| all.to_bytes()).unwrap_or_default();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// A request with headers and bytes.
    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).expect("a request")).await
    }

    async fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.raw(method, path, &headers, body.to_string()).await
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.raw(Method::GET, path, &[], Body::empty()).await
    }

    /// GET with headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.raw(Method::GET, path, headers, Body::empty()).await
    }

    /// HEAD with headers.
    pub async fn head(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.raw(Method::HEAD, path, headers, Body::empty()).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.raw(Method::DELETE, path, &[], Body::empty()).await
    }

    /// DELETE with a JSON body.
    pub async fn delete_with(&self, path: &str, body: Value) -> Answer {
        self.json(Method::DELETE, path, &body).await
    }

    /// POST of a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.json(Method::POST, path, &body).await
    }

    /// PUT of a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.json(Method::PUT, path, &body).await
    }

    /// Uploads `bytes` to `path` on `branch` of the lake.
    pub async fn upload(&self, branch: &str, path: &str, bytes: &'static str) -> Answer {
        let target = format!("/repositories/lake/branches/{branch}/objects?path={path}");
        let length = bytes.len().to_string();
        let headers =
            [("content-type", "application/octet-stream"), ("content-length", length.as_str())];
        self.raw(Method::POST, &target, &headers, bytes).await
    }

    /// Commits what is staged on `branch` of the lake, and returns the commit's id.
    pub async fn commit(&self, branch: &str, message: &str) -> String {
        let target = format!("/repositories/lake/branches/{branch}/commits");
        let made = self.post(&target, json!({"message": message})).await.is(201);
        made.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Makes the branch `name` of the lake from `source`.
    pub async fn branch(&self, name: &str, source: &str) {
        let new = json!({"name": name, "source": source});
        self.post("/repositories/lake/branches", new).await.is(201);
    }

    /// The paths on `reference` of the lake.
    pub async fn paths(&self, reference: &str) -> Vec<String> {
        let listed = self.get(&format!("/repositories/lake/refs/{reference}/objects/ls")).await;
        listed.is(200).field("results", "path")
    }
}

/// The header of the scheme that most clients use.
pub fn basic(key: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{key}:{secret}")))
}
