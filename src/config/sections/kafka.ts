import { boolean, choice, list, milliseconds, text } from '../format.js'
import { topic } from '../name-formats.js'
import { optional, setting } from '../setting.js'
import { hostAndPort } from '../text-formats.js'
import { tlsSection } from './tls.js'

export const kafkaSection = {
  brokers: setting(list(hostAndPort()), [], {
    doc: 'The brokers to begin with; the others are learned from them.',
    example: 'kafka-1:9092,kafka-2:9092',
    requiredWhere: [
      ['source.type', 'kafka'],
      ['deadLetter.type', 'kafka'],
    ],
  }),
  topics: setting(list(topic()), [], {
    doc: 'The topics to read: names, or `/regular expressions/` that are resolved at start. Dead letter topics and topics that start with `__` are never matched. A missing topic is waited for, never created.',
    example: 'app-logs,/^audit\\./',
    requiredWhere: [['source.type', 'kafka']],
  }),
  groupId: setting(text({ expected: 'the name of a consumer group', pattern: /^\S{1,255}$/ }), '', {
    doc: 'The consumer group. It has no default, so that two deployments never share one by accident.',
    example: 'enrichd-production',
    requiredWhere: [['source.type', 'kafka']],
  }),
  fromBeginning: setting(boolean(), true, {
    doc: "Where the group's first start begins: with the oldest record, or with those to come. Partitions that are added later are always read from their beginning.",
    example: 'false',
  }),
  commitIntervalMs: setting(milliseconds(10, 60_000), 100, {
    doc: 'How often finished offsets are committed; 50 and more at once, four times in it at most; also at each drain and rebalance.',
    example: '1000',
  }),
  isolationLevel: setting(choice('readCommitted', 'readUncommitted'), 'readCommitted', {
    doc: 'Whether records of aborted or open transactions are left out.',
    example: 'readUncommitted',
  }),
  sessionTimeoutMs: setting(milliseconds(1000, 1_800_000), 30_000, {
    doc: 'How long a member may be silent before the group takes its partitions away. One whose process was killed is replaced at once by one that starts on the same machine, unless its whole container was restarted. The brokers have bounds of their own (`group.min.session.timeout.ms`, 6000 unless changed).',
    example: '45000',
  }),
  heartbeatIntervalMs: setting(milliseconds(100, 600_000), 3000, {
    doc: 'How often the member reports to the group; at most half of `kafka.sessionTimeoutMs`.',
    example: '2000',
    defaultNote: '3000, or a third of `kafka.sessionTimeoutMs` where that is less',
  }),
  tls: tlsSection('Whether the brokers are spoken to over TLS.'),
  sasl: {
    mechanism: optional(choice('plain', 'scram-sha-256', 'scram-sha-512'), {
      doc: 'How to log in; without it there is no login.',
      example: 'scram-sha-512',
    }),
    username: optional(text({ expected: 'text' }), {
      doc: 'The user; needed with a mechanism.',
      example: 'enrichd',
      secret: true,
    }),
    password: optional(text({ expected: 'text' }), {
      doc: 'The password; needed with a mechanism.',
      example: 'secret',
      secret: true,
    }),
  },
}
