import type { Dependency } from './telemetry.js'

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** One kind of log line. Its name is what people search for: it never changes its meaning. */
export interface EventDefinition {
  readonly level: LogLevel
  /** What it tells, for the reference. */
  readonly tells: string
  /** Its fields besides `level`, `time`, `event` and `msg`. */
  readonly fields: readonly string[]
  /** At most this many lines a second; the rest are counted in one `log.suppressed` line. Default: no bound. */
  readonly perSecond?: number
  /** The field by which lines that were left out are counted. */
  readonly countedBy?: string
}

export const dependencies = [
  'kafka',
  'nlp',
  'elasticsearch',
  'dead-letter',
] as const satisfies readonly Dependency[]

const recordFields = ['stage', 'topic', 'partition', 'offset']

const ownEvents = {
  'daemon.starting': {
    level: 'info',
    tells: 'The daemon begins to start; where its status page is.',
    fields: ['admin'],
  },
  'daemon.running': { level: 'info', tells: 'The group is joined, records flow.', fields: [] },
  'daemon.draining': {
    level: 'info',
    tells: 'No new work begins; what is in flight is finished and committed.',
    fields: ['reason', 'forMs', 'msLeft', 'leftWaiting', 'inFlight'],
  },
  'daemon.stopped': {
    level: 'info',
    tells: 'The drain is over: what became of everything.',
    fields: ['durationMs', 'cutOff', 'processed', 'errors', 'retried', 'dropped', 'released'],
  },
  'daemon.failed': {
    level: 'error',
    tells: 'The daemon could not go on; it settles what is in flight and ends with exit code 1.',
    fields: ['state', 'error'],
  },
  'daemon.state': { level: 'info', tells: 'Another step of the daemon’s life.', fields: ['state'] },
  'pipeline.progress': {
    level: 'info',
    tells: 'What was done so far, how fast, and where the bottleneck is. Only while there is work.',
    fields: [
      'processed',
      'errors',
      'retried',
      'dropped',
      'released',
      'recordsPerSecond',
      'inFlight',
      'buffered',
      'lag',
      'bottleneck',
    ],
  },
  'replay.starting': {
    level: 'info',
    tells: 'Dead letters are brought back: from where, and which.',
    fields: ['from', 'selection'],
  },
  'replay.lost': {
    level: 'warn',
    tells:
      'A dead letter that holds only the beginning of its record cannot be brought back: the record is gone.',
    fields: ['topic', 'partition', 'offset'],
    perSecond: 10,
  },
  'replay.finished': {
    level: 'info',
    tells: 'What became of the dead letters that were brought back.',
    fields: ['read', 'selected', 'indexed', 'rejectedAgain', 'dropped', 'released', 'lost'],
  },
  'record.rejected': {
    level: 'warn',
    tells: 'A record failed for good and becomes a dead letter: which one, where, and why.',
    fields: [...recordFields, 'attempts', 'reason', 'error'],
    perSecond: 10,
    countedBy: 'reason',
  },
  'record.retrying': {
    level: 'debug',
    tells: 'Another attempt follows, for a record or for a whole request.',
    fields: [...recordFields, 'error'],
  },
  'nlp.limit_changed': {
    level: 'debug',
    tells: 'The limit on NLP calls in flight was lowered or raised.',
    fields: ['from', 'to'],
    perSecond: 5,
  },
  'elasticsearch.bulk_finished': {
    level: 'debug',
    tells: 'A bulk request was answered, or failed.',
    fields: ['durationMs', 'documents', 'outcome'],
  },
  'elasticsearch.records_wait': {
    level: 'warn',
    tells: 'Some records wait, and the line goes on: what must be changed for them.',
    fields: ['code'],
    perSecond: 1,
  },
  'kafka.assigned': {
    level: 'info',
    tells: 'The group was joined; these partitions are ours.',
    fields: ['partitions', 'kept'],
  },
  'kafka.revoked': {
    level: 'info',
    tells: 'These partitions are ours no more; what was in flight for them is released.',
    fields: ['partitions', 'inFlight'],
  },
  'kafka.dead_member_removed': {
    level: 'info',
    tells:
      'Members of processes that ran here and ended without leaving (a `kill -9`) were taken out of the group.',
    fields: ['pids'],
  },
  'kafka.dead_member_kept': {
    level: 'info',
    tells: 'Members whose processes have ended could not be looked for; their sessions have to run out.',
    fields: ['error'],
    perSecond: 1,
  },
  'kafka.commit_failed': {
    level: 'warn',
    tells: 'A commit failed. It is tried again with the next one.',
    fields: ['error'],
    perSecond: 1,
  },
  'kafka.offset_out_of_range': {
    level: 'error',
    tells:
      'Retention overtook the group, or the topic was made again: records are gone unread. Reading goes on from the earliest.',
    fields: ['topic', 'partition', 'expected'],
    perSecond: 20,
  },
  'kafka.client': {
    level: 'debug',
    tells: 'A line of the Kafka client’s own log. What matters of it other events tell.',
    fields: ['namespace', 'client'],
    perSecond: 10,
    countedBy: 'namespace',
  },
  'dead_letter.topic_missing': {
    level: 'warn',
    tells:
      'At the start: these dead letter topics are not there. The first record that is rejected will stop the line.',
    fields: ['topics'],
  },
  'nlp.tls_unverified': {
    level: 'warn',
    tells: 'Verification of the certificate is switched off; the same for `kafka` and `elasticsearch`.',
    fields: [],
  },
  'kafka.tls_unverified': { level: 'warn', tells: 'See `nlp.tls_unverified`.', fields: [] },
  'elasticsearch.tls_unverified': { level: 'warn', tells: 'See `nlp.tls_unverified`.', fields: [] },
  'drain.cut_off': {
    level: 'warn',
    tells: 'The drain was cut off: per partition, the offsets that will be read again.',
    fields: ['redelivered'],
  },
  'admin.failed': {
    level: 'warn',
    tells: 'An answer of the admin port could not be made.',
    fields: [],
    perSecond: 1,
  },
  'log.suppressed': {
    level: 'warn',
    tells: 'So many lines of one event came at once that the rest were counted only.',
    fields: ['suppressed', 'count', 'counts'],
  },
} as const satisfies Record<string, EventDefinition>

/** What is said of each dependency; `dead-letter` is written `dead_letter` in names. */
const dependencyEvents = {
  down: {
    level: 'warn',
    tells: 'The line waits for it: why. Nothing is lost, no attempt is counted.',
    fields: ['dependency', 'retryAfterMs', 'error'],
    perSecond: 2,
  },
  misconfigured: {
    level: 'error',
    tells: 'The line stops because a setting is wrong: what to change. It goes on by itself once that works.',
    fields: ['dependency', 'error'],
    perSecond: 2,
  },
  still_down: {
    level: 'warn',
    tells: 'A probe failed and the wait goes on. At most one line every 30 s; Kafka: one per attempt.',
    fields: ['dependency', 'waitedMs', 'retryAfterMs', 'error'],
  },
  up: {
    level: 'info',
    tells: 'It works again; the line goes on.',
    fields: ['dependency', 'waitedMs'],
    perSecond: 2,
  },
} as const satisfies Record<string, EventDefinition>

type DependencyWord = 'kafka' | 'nlp' | 'elasticsearch' | 'dead_letter'
export type DependencyEvent = keyof typeof dependencyEvents
export type EventName = keyof typeof ownEvents | `${DependencyWord}.${DependencyEvent}`

/** The name of what happened to a dependency, for example `nlp.down`. */
export function dependencyEvent(dependency: Dependency, event: DependencyEvent): EventName {
  const word = dependency === 'dead-letter' ? 'dead_letter' : dependency
  return `${word}.${event}`
}

/** Every event that this program tells, by name, each written down once: here. */
export const events: Readonly<Record<string, EventDefinition>> = {
  ...ownEvents,
  ...Object.fromEntries(
    dependencies.flatMap((dependency) =>
      Object.entries(dependencyEvents).map(([event, definition]) => [
        dependencyEvent(dependency, event as DependencyEvent),
        definition,
      ]),
    ),
  ),
}

/** The definition of an event, or undefined where the table does not know it. */
export function eventNamed(name: string): EventDefinition | undefined {
  return Object.hasOwn(events, name) ? events[name] : undefined
}
