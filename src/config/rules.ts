import { dataStreamPattern, isDeadLetterTopic } from './name-formats.js'
import { nlpRules } from './nlp-rules.js'
import { belongTogether, type Rule } from './rule.js'
import { tlsRules } from './tls-rules.js'

const kafkaRules: readonly Rule[] = [
  {
    reads: ['kafka.heartbeatIntervalMs', 'kafka.sessionTimeoutMs'],
    check: ({ kafka }) =>
      kafka.heartbeatIntervalMs * 2 > kafka.sessionTimeoutMs && {
        key: 'kafka.heartbeatIntervalMs',
        expected: `at most half of kafka.sessionTimeoutMs, which is ${kafka.sessionTimeoutMs}`,
      },
  },
  {
    reads: ['kafka.topics', 'deadLetter.topic', 'deadLetter.type'],
    check: ({ kafka, deadLetter }) => {
      const named = kafka.topics.find(
        (topic) => !topic.startsWith('/') && isDeadLetterTopic(deadLetter.topic, topic),
      )
      return (
        deadLetter.type === 'kafka' &&
        named !== undefined && {
          key: 'kafka.topics',
          expected: `no dead letter topic: "${named}" is one by deadLetter.topic, "${deadLetter.topic}"`,
        }
      )
    },
  },
  {
    reads: ['kafka.sasl.mechanism', 'kafka.sasl.username', 'kafka.sasl.password'],
    check: ({ kafka: { sasl } }) =>
      sasl.mechanism === undefined &&
      (sasl.username ?? sasl.password) !== undefined && {
        key: 'kafka.sasl.mechanism',
        expected: 'a value, because kafka.sasl.username or kafka.sasl.password is set',
      },
  },
  ...(['username', 'password'] as const).map((name): Rule => {
    const key = `kafka.sasl.${name}`
    return {
      reads: ['kafka.sasl.mechanism', key],
      check: ({ kafka: { sasl } }) =>
        sasl.mechanism !== undefined &&
        sasl[name] === undefined && { key, expected: 'a value, because kafka.sasl.mechanism is set' },
    }
  }),
]

const flowRules: readonly Rule[] = [
  {
    reads: ['source.type', 'source.path'],
    check: ({ source }) =>
      source.type === 'file' &&
      source.path === undefined && { key: 'source.path', expected: 'a path, because source.type is file' },
  },
  {
    reads: ['sink.type', 'sink.path'],
    check: ({ sink }) =>
      sink.type === 'file' &&
      sink.path === undefined && { key: 'sink.path', expected: 'a path, because sink.type is file' },
  },
  {
    reads: ['deadLetter.type', 'deadLetter.topic', 'source.type'],
    check: ({ deadLetter, source }) =>
      source.type !== 'kafka' &&
      deadLetter.type === 'kafka' &&
      deadLetter.topic.includes('{topic}') && {
        key: 'deadLetter.topic',
        expected: `a name without {topic}, because source.type is ${source.type} and its records have no topic`,
      },
  },
]

const elasticsearchRules: readonly Rule[] = [
  {
    reads: ['elasticsearch.batchSize', 'elasticsearch.maxBatchSize'],
    check: ({ elasticsearch: { batchSize, maxBatchSize } }) =>
      maxBatchSize < batchSize && {
        key: 'elasticsearch.maxBatchSize',
        expected: `at least elasticsearch.batchSize, which is ${batchSize}`,
      },
  },
  {
    reads: ['elasticsearch.index', 'elasticsearch.opType'],
    check: ({ elasticsearch: { index, opType } }) => {
      const pattern = opType === 'index' ? dataStreamPattern(index) : undefined
      return (
        pattern !== undefined && {
          key: 'elasticsearch.index',
          expected: `a name that does not match ${pattern}: a stock server makes a data stream of it, which takes only elasticsearch.opType create`,
        }
      )
    },
  },
  {
    reads: ['elasticsearch.username', 'elasticsearch.password'],
    check: ({ elasticsearch }) => belongTogether(elasticsearch, ['username', 'password'], 'elasticsearch'),
  },
  {
    reads: ['elasticsearch.apiKey', 'elasticsearch.username'],
    check: ({ elasticsearch: { apiKey, username } }) =>
      apiKey !== undefined &&
      username !== undefined && {
        key: 'elasticsearch.apiKey',
        expected: 'no value where elasticsearch.username is set: only one way to log in',
      },
  },
]

/** Every rule between settings, but for those that are required. */
export const rules: readonly Rule[] = [
  ...kafkaRules,
  ...flowRules,
  ...nlpRules,
  ...elasticsearchRules,
  ...tlsRules('kafka'),
  ...tlsRules('nlp'),
  ...tlsRules('elasticsearch'),
]
