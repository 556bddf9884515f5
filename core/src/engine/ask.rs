//! Asking one root something without a deployment around it, for tests of components.

use std::collections::BTreeMap;
use std::io::{BufReader, Write};

use zeroize::Zeroizing;

use crate::event::{Event, Mode};
use crate::model::Model;
use crate::names::{HostName, RootId};
use crate::problem::{Problem, code};
use crate::protocol::{Call, CallKind, Frame, FromAgent, ToAgent, encode, read_frame};
use crate::secret::revealing;

use super::Options;
use super::hand_over::hand_over;
use super::transport::Connection;

/// Asks a root as a coordinator does while it rolls something, and gives the answer.
pub(crate) fn ask(
    model: &Model,
    connection: Connection,
    homes: &BTreeMap<HostName, String>,
    root: &RootId,
    kind: CallKind,
    tell: &mut dyn FnMut(Event),
) -> Result<Vec<RootId>, Problem> {
    // What only looks takes no lock, and makes no directory.
    let mode = if kind == CallKind::Health { Mode::Verify } else { Mode::Converge };
    let selected = [root.clone()].into();
    let mut handed = hand_over(model, &root.host, &selected, homes, &Options::new(mode));
    handed.attending = [root.root.clone()].into();
    let Connection { reader, mut writer, ended, .. } = connection;
    let gone = |error: anyhow::Error| Problem::from_error(&error, code::AGENT_GONE);
    let mut say = |message: ToAgent| -> Result<(), Problem> {
        let frame = revealing(|| encode(&message)).map(Zeroizing::new);
        let said = frame.and_then(|frame| writer.write_all(&frame).and_then(|()| writer.flush()));
        said.map_err(|error| gone(error.into()))
    };
    say(ToAgent::HandOver(Box::new(handed)))?;
    let mut reader = BufReader::new(reader);
    let answer = loop {
        match read_frame(&mut reader).map_err(|error| gone(error.into()))? {
            Frame::Message(FromAgent::Ready(_)) => {
                let (root, kind) = (root.root.clone(), kind.clone());
                say(ToAgent::Call(Call { number: 1, root, kind }))?;
            }
            Frame::Message(FromAgent::Answer { answer, .. }) => break *answer,
            Frame::Message(FromAgent::Refused { problem, .. }) => break Err(problem),
            Frame::Message(FromAgent::Event(event)) => tell(*event),
            _ => {}
        }
    };
    say(ToAgent::Goodbye)?;
    match ended() {
        Some(problem) => Err(problem),
        None => answer,
    }
}
