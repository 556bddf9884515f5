//! Getting the contents of assets: into the store, and of secret files into memory alone.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::assets::{Asset, AssetStore};
use crate::engine::assets::{DiskStore, References, SecretStore, store_directory};
use crate::event::Mode;
use crate::problem::{Problem, code};
use crate::protocol::{Frame, FromAgent, HandOver, ToAgent};

use super::line::Line;
use super::prepare::{Drafts, Unprepared, broken, refused};
use super::{Agent, Inbox};

/// Gets the contents of all assets that are not there yet.
pub(super) fn receive(
    agent: &Agent,
    hand_over: &HandOver,
    drafts: &Drafts,
    target: &Path,
    line: &Line,
    inbox: &mut Inbox,
) -> Result<Arc<dyn AssetStore>, Unprepared> {
    let (secret, plain): (Vec<_>, Vec<_>) =
        hand_over.all_assets().partition(|asset| asset.sensitive);
    let store = match &agent.assets {
        Some(store) => Arc::clone(store),
        None => receive_plain(agent, hand_over, &plain, target, line, inbox)?,
    };
    if secret.is_empty() {
        return Ok(store);
    }
    receive_secret(&secret, store, drafts, line, inbox)
}

fn receive_plain(
    agent: &Agent,
    hand_over: &HandOver,
    assets: &[&Asset],
    target: &Path,
    line: &Line,
    inbox: &mut Inbox,
) -> Result<Arc<dyn AssetStore>, Unprepared> {
    let directory = store_directory(hand_over.host.store.as_deref(), &agent.home);
    let failed = |error: io::Error| {
        let message = format!("cannot keep assets in `{}`", directory.display());
        refused(
            Problem::from_error(
                &anyhow::Error::new(error).context(message),
                code::STORE_UNWRITABLE,
            )
            .hint("set `store` to a directory with space that the converging user may write to"),
        )
    };
    let store = DiskStore::open(directory.clone()).map_err(failed)?;
    // Noted before they come, so that no other deployment takes them for unwanted meanwhile.
    if hand_over.mode == Mode::Converge {
        let digests = assets.iter().map(|asset| asset.digest).collect();
        let all = hand_over.host.roots.len() == hand_over.all_roots.len();
        References::beside(&directory).note(target, digests, all, &store)?;
    }
    let missing = store.missing(assets.iter().copied());
    if missing.is_empty() {
        return Ok(Arc::new(store));
    }
    line.send(FromAgent::Need { assets: missing.clone() }).map_err(broken)?;
    for asset in &missing {
        announced(asset, inbox)?;
        store.receive(asset, || piece(inbox)).map_err(failed)?;
    }
    Ok(Arc::new(store))
}

/// Secret files are sent in every run: nothing of them is kept.
fn receive_secret(
    assets: &[&Asset],
    others: Arc<dyn AssetStore>,
    drafts: &Drafts,
    line: &Line,
    inbox: &mut Inbox,
) -> Result<Arc<dyn AssetStore>, Unprepared> {
    let needed = assets.iter().map(|asset| (*asset).clone()).collect();
    line.send(FromAgent::Need { assets: needed }).map_err(broken)?;
    let mut store = SecretStore::new(others);
    for asset in assets {
        announced(asset, inbox)?;
        let content = store.receive(asset, || piece(inbox)).map_err(|error| {
            let message = format!("cannot take in {}", asset.name);
            refused(Problem::from_error(
                &anyhow::Error::new(error).context(message),
                code::ASSET_CHANGED,
            ))
        })?;
        line.secrets().learn(&content);
        let drafts = drafts.values().map(|(_, draft)| draft);
        drafts
            .filter(|draft| draft.assets.contains_key(&asset.name))
            .for_each(|draft| draft.secrets.learn(&content));
    }
    Ok(Arc::new(store))
}

/// Waits until the content of an asset is announced.
fn announced(asset: &Asset, inbox: &mut Inbox) -> Result<(), Unprepared> {
    match inbox.next().map_err(broken)? {
        Frame::Message(ToAgent::Content { asset: announced }) if announced == *asset => Ok(()),
        Frame::Message(ToAgent::Interrupt { .. } | ToAgent::Goodbye) => {
            Err(refused(Problem::new(code::INTERRUPTED, "interrupted")))
        }
        _ => Err(broken(Problem::new(code::DEFECT, "the coordinator sent something unasked"))),
    }
}

/// The next piece of a content.
fn piece(inbox: &mut Inbox) -> io::Result<Vec<u8>> {
    match inbox.next() {
        Ok(Frame::Bytes(bytes)) if !bytes.is_empty() => Ok(bytes),
        Ok(_) => Err(io::Error::other("the content ended early")),
        Err(problem) => Err(io::Error::other(problem.to_string())),
    }
}
