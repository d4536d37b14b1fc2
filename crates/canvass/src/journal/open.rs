//! Begins a journal, or takes up that of an earlier run.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use canvass_journal::{
    Binding, FileDisk, LoadError, LockError, Output, Parked, Progress, Record, Shard, Store,
    Syncable, Writer,
};
use canvass_queue::{Ledger, Partition};
use canvass_report::{LatencyRecorder, Tally};
use canvass_run::{Completed, Continuation, RecheckCounts, Shared, Spill, SpillState};

use super::binding::{self, COMMAND, LIST, ListIdentity};
use super::end::{JournalEnd, sink_error};
use super::flags::GivenFlags;
use super::list::ListTracker;
use super::sink::{Counts, JournalSink, JournaledOutput, TimeSpent};
use crate::args::JournalArgs;
use crate::exit::{Exit, Failure};
use crate::files::cannot_write;
use crate::message::message;
use crate::parked::ParkedFile;
use crate::same_file::NamedFiles;

/// What the command line asks of a journal.
pub(crate) struct JournalRequest {
    path: PathBuf,
    resumes: bool,
    given: GivenFlags,
}

/// The list of a run and its order.
pub(crate) struct ListOrder {
    pub list: ListIdentity,
    pub shard: Partition,
    /// The seed as it is given: none, any, or a number.
    pub shuffle: Option<Option<u64>>,
}

/// A journal that is locked.
pub(crate) enum Opened {
    /// Its run is complete and has ended so.
    Finished(Exit),
    /// Its run begins, or goes on.
    Open(Box<Journal>),
}

/// The journal of a run that begins or goes on.
pub(crate) struct Journal {
    path: PathBuf,
    store: Store<FileDisk>,
    /// The record from which the run goes on.
    record: Record,
    is_resumed: bool,
    pub tracker: Option<ListTracker>,
}

impl JournalRequest {
    /// `None` if there are no such flags.
    pub(crate) fn new(args: JournalArgs, given: GivenFlags) -> Option<Self> {
        let resumes = args.resume.is_some();
        Some(Self {
            path: args.resume.or(args.journal)?,
            resumes,
            given,
        })
    }

    pub(crate) fn flag(&self) -> &'static str {
        match self.resumes {
            true => "--resume",
            false => "--journal",
        }
    }

    /// Adds the files of the journal.
    pub(crate) fn name_files(&self, files: &mut NamedFiles) {
        files.writes(self.flag(), &self.path);
        for path in FileDisk::files_beside(&self.path) {
            files.writes(self.flag(), path);
        }
    }

    /// Locks the journal, reads it, and checks that it may be begun, or that it is that of this command
    /// line.
    pub(crate) fn open(self, order: &ListOrder, quiet: bool) -> Result<Opened, Failure> {
        let shown = self.shown();
        let disk = FileDisk::lock(&self.path).map_err(|error| match error {
            LockError::InUse => Failure::usage(format!("{shown}: {error}")),
            LockError::Disk(error) => Failure::stopped(format!("cannot {error}")),
        })?;
        let (store, loaded) = Store::load(disk).map_err(|error| match error {
            LoadError::Disk(_) => Failure::stopped(error),
            LoadError::Format(_) => Failure::usage(format!("{shown}: {error}")),
        })?;
        if let (true, Some(damage)) = (self.resumes, &loaded.damage) {
            message(format_args!(
                "canvass: {}: {damage}; the record before it is taken",
                self.path.display()
            ));
        }
        match loaded.record {
            Some(record) if self.resumes => {
                let opened = self.resume(store, record, order, &shown)?;
                if let (Opened::Finished(_), false) = (&opened, quiet) {
                    message(format_args!(
                        "canvass: {shown}: the run is finished; nothing is left to ask"
                    ));
                }
                Ok(opened)
            }
            None if self.resumes => Err(self.absent()),
            Some(record) if record.finished.is_none() => Err(Failure::usage(format!(
                "{shown}: its run is not finished; go on with --resume {}, or remove it",
                self.path.display()
            ))),
            _ => Ok(Opened::Open(Box::new(self.begin(store, order)?))),
        }
    }

    /// Checks that a journal that is to be gone on from is there.
    pub(crate) fn check_existence(&self) -> Result<(), Failure> {
        let is_there = self.path.exists() || FileDisk::files_beside(&self.path)[0].exists();
        match self.resumes && !is_there {
            true => Err(self.absent()),
            false => Ok(()),
        }
    }

    fn absent(&self) -> Failure {
        Failure::usage(format!(
            "{}: there is no such journal; --journal begins one",
            self.shown()
        ))
    }

    fn shown(&self) -> String {
        format!("{} {}", self.flag(), self.path.display())
    }

    fn begin(self, store: Store<FileDisk>, order: &ListOrder) -> Result<Journal, Failure> {
        let seed = order.shuffle.map(|seed| seed.unwrap_or_else(rand::random));
        let values = self.values(order, seed)?;
        let salt = format!("{:032x}", rand::random::<u128>());
        Ok(Journal {
            store,
            record: Record {
                generation: 0,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                began_ns: 0,
                binding: Binding::new(salt, values),
                seed,
                shard: Shard {
                    index: order.shard.index(),
                    count: order.shard.count(),
                },
                progress: Progress::default(),
                finished: None,
            },
            is_resumed: false,
            path: self.path,
            tracker: None,
        })
    }

    fn resume(
        self,
        store: Store<FileDisk>,
        record: Record,
        order: &ListOrder,
        shown: &str,
    ) -> Result<Opened, Failure> {
        let seed = match order.shuffle {
            Some(None) => record.seed,
            Some(given) => given,
            None => None,
        };
        let salt = record.binding.salt().to_owned();
        let given = Binding::new(salt, self.values(order, seed)?);
        let mut differences = record.binding.differences(&given);
        if differences.iter().any(|one| one.name == COMMAND) {
            // Another command has other flags, which say nothing more.
            differences.retain(|one| one.name == COMMAND);
        }
        if !differences.is_empty() {
            let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
            let of_list = differences.iter().any(|one| one.name == LIST);
            let what = if of_list {
                "of another list"
            } else {
                "of another run"
            };
            return Err(Failure::usage(format!(
                "{shown}: it is the journal {what}: {}",
                texts.join("; ")
            )));
        }
        let journal = Journal {
            store,
            record,
            is_resumed: true,
            path: self.path,
            tracker: None,
        };
        journal.check_outputs()?;
        Ok(match journal.record.finished {
            Some(status) => Opened::Finished(Exit::of_code(status)),
            None => Opened::Open(Box::new(journal)),
        })
    }

    fn values(
        &self,
        order: &ListOrder,
        seed: Option<u64>,
    ) -> Result<Vec<canvass_journal::BoundValue>, Failure> {
        binding::values(&self.given, &order.list, seed)
            .map_err(|error| Failure::usage(format!("cannot {error}")))
    }
}

impl Journal {
    pub(crate) fn seed(&self) -> Option<u64> {
        self.record.seed
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.record.progress
    }

    /// What earlier parts of the run have completed; `None` if it begins.
    pub(crate) fn completed(&self) -> Option<Completed> {
        let done = &self.record.progress.done;
        self.is_resumed.then(|| Completed {
            watermark: done.watermark,
            above: done.above.clone(),
            partial: done
                .partial
                .iter()
                .map(|partial| (partial.seq, partial.outcomes))
                .collect(),
        })
    }

    /// What earlier parts of the run have counted.
    pub(crate) fn continuation(&self) -> Result<Continuation, Failure> {
        let mut continuation = Continuation {
            is_resumable: true,
            ..Continuation::default()
        };
        if self.is_resumed && !self.record.progress.counts.is_null() {
            let counts = self.record.progress.counts.clone();
            let (tally, latency): (Tally, LatencyRecorder) = serde_json::from_value(counts)
                .map_err(|error| {
                    let path = self.path.display();
                    Failure::usage(format!("{path}: its counts cannot be read: {error}"))
                })?;
            continuation.tally = Shared::new(tally);
            continuation.latency = Shared::new(latency);
            continuation.wall = Duration::from_nanos(self.record.progress.elapsed_ns);
        }
        Ok(continuation)
    }

    /// When the run began, by the wall clock, if it goes on.
    pub(crate) fn resumed_since(&self) -> Option<SystemTime> {
        let began = UNIX_EPOCH + Duration::from_nanos(self.record.began_ns);
        self.is_resumed.then_some(began)
    }

    /// Checks that each output has what the journal counts on.
    fn check_outputs(&self) -> Result<(), Failure> {
        for output in &self.record.progress.outputs {
            let Output { flag, path, octets } = output;
            let refuse = |what: String| {
                let journal = self.path.display();
                Failure::usage(format!(
                    "{flag} {path} {what}, but {journal} counts on {octets}"
                ))
            };
            match fs::metadata(path) {
                Ok(found) if found.len() < *octets => {
                    return Err(refuse(format!("has {} octets", found.len())));
                }
                Ok(_) => {}
                Err(_) if *octets == 0 => {}
                Err(error) => return Err(refuse(format!("cannot be read ({error})"))),
            }
        }
        Ok(())
    }

    /// Makes the directory of bodies durable with each record.
    pub(crate) fn add_directory(&mut self, path: &Path) -> Result<(), Failure> {
        let directory = File::open(path).map_err(|error| cannot_write(path, error))?;
        let name = path.display().to_string().into();
        let output = Syncable::FileSystem(directory, name);
        self.store.disk_mut().add_output(output);
        Ok(())
    }

    /// Makes an output durable with each record. Its name is made durable now.
    pub(crate) fn add_output(
        &mut self,
        flag: &'static str,
        file: &File,
        path: &Path,
    ) -> Result<(), Failure> {
        let failed = |error| cannot_write(path, error);
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        File::open(parent)
            .and_then(|directory| directory.sync_all())
            .map_err(failed)?;
        let handle = file.try_clone().map_err(failed)?;
        let name = path.display().to_string();
        let output = Syncable::File(handle, name.clone().into());
        self.store.disk_mut().add_output(output);
        if self.octets_of(flag).is_none() {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            self.record.progress.outputs.push(Output {
                flag: flag.to_owned(),
                path: path.display().to_string(),
                octets: 0,
            });
        }
        Ok(())
    }

    fn octets_of(&self, flag: &str) -> Option<u64> {
        let mut outputs = self.record.progress.outputs.iter();
        let output = outputs.find(|output| output.flag == flag)?;
        Some(output.octets)
    }

    /// Writes the first record of this part of the run: before anything is asked, and before an output is
    /// cut back.
    pub(crate) fn commit(&mut self, began: SystemTime) -> Result<(), Failure> {
        let committed = match self.is_resumed {
            true => self.store.commit(&mut self.record),
            false => {
                let since = began.duration_since(UNIX_EPOCH).unwrap_or_default();
                self.record.began_ns = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
                self.store.begin(&mut self.record)
            }
        };
        committed.map_err(|error| Failure::stopped(sink_error(&error)))
    }

    /// Cuts an output back to what the journal has of it. Returns its length.
    pub(crate) fn cut(&self, flag: &str, file: &mut File, path: &Path) -> Result<u64, Failure> {
        let octets = self.octets_of(flag).unwrap_or(0);
        file.set_len(octets)
            .and_then(|()| file.seek(SeekFrom::Start(octets)))
            .map_err(|error| cannot_write(path, error))
    }

    /// The parked outcomes in a file that was cut back to `octets`. `name` is its name in errors.
    pub(crate) fn spill(&self, file: File, name: String, octets: u64) -> Result<Spill, Failure> {
        let Parked {
            recorded_octets,
            failed,
            asked,
        } = self.record.progress.parked;
        let before = SpillState {
            recorded_octets,
            counts: RecheckCounts { failed, asked },
        };
        Spill::continued(file, name, octets, before).map_err(Failure::stopped)
    }

    /// Starts the thread that writes records. Returns a sink for all outputs, and what ends the journal.
    pub(crate) fn into_sink(
        self,
        outputs: Vec<JournaledOutput>,
        parked: Option<ParkedFile>,
        before: &Continuation,
        began: Instant,
    ) -> Result<(JournalSink, JournalEnd), Failure> {
        let completed = self.completed().unwrap_or_default();
        let cpu_before = Duration::from_nanos(self.record.progress.cpu_ns);
        let writer = Writer::start(self.store, self.record)
            .map(Arc::new)
            .map_err(|error| Failure::stopped(format!("cannot start a thread: {error}")))?;
        let spill = parked.as_ref().map(|parked| parked.spill.clone());
        let end = JournalEnd {
            path: self.path,
            writer: Arc::clone(&writer),
            cpu_before,
            parked,
        };
        let sink = JournalSink {
            outputs,
            spill,
            recorded: Ledger::after(&completed),
            count: 0,
            is_changed: false,
            writer,
            counts: Counts {
                tally: before.tally.clone(),
                latency: before.latency.clone(),
            },
            tracker: self.tracker,
            time: TimeSpent {
                wall_before: before.wall,
                cpu_before,
                began,
            },
        };
        Ok((sink, end))
    }
}
