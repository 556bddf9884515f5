//! Several questions to one start of Mercurial, by the protocol of its command server.
//!
//! A start takes far longer than most of what it is asked for. `hg serve --cmdserver pipe` reads
//! commands from its standard input, and writes what each of them prints in blocks: a letter for the
//! channel, a length of four bytes, and the bytes. The result of a command is on a channel of its own.

/// What Mercurial answered to a command.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// What the command server reads for some commands; nothing is asked back.
pub(super) fn requests(commands: &[Vec<&str>]) -> Vec<u8> {
    let mut requests = Vec::new();
    for command in commands {
        let args = [&["--noninteractive"], &command[..]].concat().join("\0");
        // No command line is that long; one that were would be cut, and not be answered.
        let length = u32::try_from(args.len()).unwrap_or(u32::MAX);
        requests.extend(b"runcommand\n");
        requests.extend(length.to_be_bytes());
        requests.extend(args.as_bytes());
    }
    requests
}

/// Reads what the command server wrote; nothing unless it is whole, and as many answers as it should.
pub(super) fn answers(mut written: &[u8], count: usize) -> Option<Vec<Answer>> {
    // It greets first.
    let (b'o', greeting) = block(&mut written)? else { return None };
    if !greeting.starts_with(b"capabilities: ") {
        return None;
    }
    let (mut answers, mut stdout, mut stderr) = (Vec::new(), Vec::new(), Vec::new());
    while !written.is_empty() {
        match block(&mut written)? {
            (b'o', bytes) => stdout.extend(bytes),
            (b'e', bytes) => stderr.extend(bytes),
            (b'r', code) => {
                let code = i32::from_be_bytes(code.try_into().ok()?);
                let (stdout, stderr) = (text(&mut stdout), text(&mut stderr));
                answers.push(Answer { code, stdout, stderr });
            }
            // By the protocol what is not understood may be skipped if its letter is a small one.
            (channel, _) if channel.is_ascii_lowercase() => {}
            _ => return None,
        }
    }
    (answers.len() == count).then_some(answers)
}

/// Takes what was printed so far.
fn text(printed: &mut Vec<u8>) -> String {
    String::from_utf8_lossy(&std::mem::take(printed)).into_owned()
}

/// Takes a block off the beginning: its channel, and what is in it.
fn block<'a>(written: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (channel, rest) = written.split_first()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (bytes, rest) = rest.split_at_checked(length)?;
    *written = rest;
    Some((*channel, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETING: &[u8] = b"o\0\0\0\x31capabilities: getencoding runcommand\nencoding: U8";

    /// What is written after the greeting.
    fn read(rest: &[u8], count: usize) -> Option<Vec<Answer>> {
        answers(&[GREETING, rest].concat(), count)
    }

    #[test]
    fn commands_are_told_with_their_lengths() {
        let expected = "runcommand\n\0\0\0\x1a--noninteractive\0log\0-r\0é\
                        runcommand\n\0\0\0\x17--noninteractive\0status";
        let told = requests(&[vec!["log", "-r", "é"], vec!["status"]]);
        assert_eq!(told, expected.as_bytes());
    }

    #[test]
    fn answers_are_told_apart() {
        // As hg 6.3 prints it.
        let status = b"o\0\0\0\x02M o\0\0\0\x02a\0r\0\0\0\x04\0\0\0\0";
        let failed = b"d\0\0\0\x01xe\0\0\0\x04bad\nr\0\0\0\x04\0\0\0\xff";
        let first = Answer { code: 0, stdout: "M a\0".into(), stderr: String::new() };
        let second = Answer { code: 255, stdout: String::new(), stderr: "bad\n".into() };
        let both = [&status[..], failed].concat();
        assert_eq!(read(&both, 2), Some(vec![first.clone(), second]));
        assert_eq!(read(status, 1), Some(vec![first]));
        assert_eq!(read(b"", 0), Some(Vec::new()));
    }

    #[test]
    fn what_is_not_whole_or_not_of_the_protocol_is_no_answer() {
        let status = b"o\0\0\0\x02M r\0\0\0\x04\0\0\0\0";
        assert!(read(status, 1).is_some());
        assert_eq!(read(status, 2), None);
        for end in 1..status.len() {
            assert_eq!(read(&status[..end], 1), None, "{end}");
        }
        assert_eq!(answers(status, 1), None, "without the greeting");
        assert_eq!(answers(b"", 0), None);
        // It asks for something to read.
        assert_eq!(read(&[b"L\0\0\0\0", &status[..]].concat(), 1), None);
        assert_eq!(read(b"r\0\0\0\x01\0", 1), None);
    }
}
