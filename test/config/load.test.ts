import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError } from '../../src/config/config-error.js'
import { loadConfig } from '../../src/config/load.js'
import { settings, variableOf } from '../../src/config/schema.js'
import { complaints, load, minimalEnvironment, problemsOf, withFiles } from './minimal.js'

describe('layers', () => {
  test('the minimum gives the defaults of the contract', () => {
    const { config, origins } = load()
    assert.equal(config.nlp.maxConcurrency, 10)
    assert.equal(config.elasticsearch.batchSize, 50)
    assert.equal(config.elasticsearch.batchBytes, 5 * 1024 * 1024)
    assert.equal(config.elasticsearch.index, 'enrichd-logs-{yyyy}-{MM}')
    assert.equal(config.pipeline.bufferSize, 1000)
    assert.equal(config.pipeline.maxBufferedBytes, 64 * 1024 * 1024)
    assert.equal(config.deadLetter.type, 'kafka')
    assert.equal(config.kafka.tls.ca, undefined)
    assert.deepEqual(config.nlp.headers, {})
    assert.equal(origins.get('nlp.maxConcurrency'), 'default')
    assert.equal(origins.get('kafka.groupId'), 'ENRICHD_KAFKA_GROUP_ID')
  })

  test('files win over defaults, later files over earlier ones, the environment over files, --set over all', () => {
    const one = 'nlp:\n  maxConcurrency: 1\n  batchSize: 1\n  batchWaitMs: 1\n  timeoutMs: 1\n'
    const two = '{"nlp": {"batchSize": 2, "batchWaitMs": 2, "timeoutMs": 2}}'
    withFiles({ 'one.yaml': one, 'two.json': two }, (paths) => {
      const { config, origins } = load(
        { 'nlp.timeoutMs': '4' },
        {
          files: [paths['one.yaml'], paths['two.json']],
          environment: { ENRICHD_NLP_BATCH_WAIT_MS: '3', ENRICHD_NLP_TIMEOUT_MS: '3' },
        },
      )
      const { maxConcurrency, batchSize, batchWaitMs, timeoutMs } = config.nlp
      assert.deepEqual([maxConcurrency, batchSize, batchWaitMs, timeoutMs], [1, 2, 3, 4])
      assert.deepEqual(
        ['maxConcurrency', 'batchSize', 'batchWaitMs', 'timeoutMs'].map((name) => origins.get(`nlp.${name}`)),
        [`${paths['one.yaml']}:2`, `${paths['two.json']}:1`, 'ENRICHD_NLP_BATCH_WAIT_MS', '--set'],
      )
    })
  })

  test('the configuration is frozen all through', () => {
    const { config } = load()
    assert.throws(() => Object.assign(config.nlp.retry, { limit: 9 }), TypeError)
    assert.throws(() => (config.kafka.brokers as string[]).push('x:1'), TypeError)
  })

  test('a section whose lines are all commented out, and an empty file, set nothing', () => {
    withFiles({ 'a.yaml': 'kafka:\n  sasl:\n    # mechanism: plain\nnlp:\n', 'b.yaml': '' }, (paths) => {
      assert.deepEqual(complaints({}, { files: [paths['a.yaml'], paths['b.yaml']] }), [])
    })
  })

  test('sections can be shared by YAML aliases', () => {
    const text = 'kafka:\n  tls: &tls\n    verify: false\nnlp:\n  tls: *tls\n'
    withFiles({ 'a.yaml': text }, (paths) => {
      assert.equal(load({}, { files: [paths['a.yaml']] }).config.nlp.tls.verify, false)
    })
  })

  test('a value that a later layer overrides may be wrong', () => {
    withFiles({ 'a.yaml': 'nlp:\n  maxConcurrency: many\n' }, (paths) => {
      assert.equal(
        load({ 'nlp.maxConcurrency': '7' }, { files: [paths['a.yaml']] }).config.nlp.maxConcurrency,
        7,
      )
    })
  })
})

describe('errors', () => {
  test('all errors are reported at once, each with key, origin, value and what was expected', () => {
    const text = 'nlp:\n  maxConcurrency: ten\n  adaptive: "yes"\nkafka:\n  brokers: localhost:9092\n'
    withFiles({ 'bad.yaml': text }, (paths) => {
      const environment = { ENRICHD_ADMIN_PORT: '70000', ENRICHD_LOG_LEVEL: 'loud' }
      const file = paths['bad.yaml']
      const problems = problemsOf(() =>
        loadConfig({ files: [file], environment, set: [['elasticsearch.batchSize', '0']] }),
      )
      assert.deepEqual(
        problems.map(({ key, origin, value }) => [key, origin, value]),
        [
          ['nlp.maxConcurrency', `${file}:2`, '"ten"'],
          ['nlp.adaptive', `${file}:3`, '"yes"'],
          ['kafka.brokers', `${file}:5`, '"localhost:9092"'],
          ['admin.port', 'ENRICHD_ADMIN_PORT', '70000'],
          ['log.level', 'ENRICHD_LOG_LEVEL', '"loud"'],
          ['elasticsearch.batchSize', '--set', '0'],
          ['kafka.topics', undefined, 'missing'],
          ['kafka.groupId', undefined, 'missing'],
          ['nlp.url', undefined, 'missing'],
          ['elasticsearch.nodes', undefined, 'missing'],
        ],
      )
      assert.equal(problems[0]?.expected, 'a whole number from 1 to 10000')
      assert.equal(problems[1]?.expected, 'true or false')
    })
  })

  test('the message is one line a problem and of code CONFIG_INVALID', () => {
    assert.throws(
      () => load({ 'nlp.maxConcurrency': '0' }),
      (error: unknown) =>
        error instanceof ConfigError &&
        error.code === 'CONFIG_INVALID' &&
        error.message ===
          'The configuration is invalid, 1 problem:\n' +
            '  nlp.maxConcurrency (--set): is 0, expected a whole number from 1 to 10000',
    )
  })

  test('an unknown key, variable or --set names the nearest known one', () => {
    withFiles({ 'a.yaml': 'kafka:\n  brokrs: [a:1]\nelasticsearch:\n  tls: {fingerprnt: x}\n' }, (paths) => {
      const problems = problemsOf(() =>
        load(
          { 'nlp.maxConcurency': '1' },
          {
            files: [paths['a.yaml']],
            environment: { ENRICHD_KAFKA_GROUPID: 'x', ENRICHD_NLP_BEARER_TOKN_FILE: '/run/secrets/x' },
          },
        ),
      )
      assert.deepEqual(
        problems.map(({ key, expected }) => [key, expected.replace(/^.* /, '')]),
        [
          ['kafka.brokrs', 'kafka.brokers'],
          ['elasticsearch.tls.fingerprnt', 'elasticsearch.tls.fingerprint'],
          ['ENRICHD_KAFKA_GROUPID', 'ENRICHD_KAFKA_GROUP_ID'],
          ['ENRICHD_NLP_BEARER_TOKN_FILE', 'ENRICHD_NLP_BEARER_TOKEN_FILE'],
          ['nlp.maxConcurency', 'nlp.maxConcurrency'],
        ],
      )
    })
  })

  test('the wrong shape of a file is refused: a list, a scalar for a section, dotted names, duplicate keys, no YAML', () => {
    const texts = {
      list: '- a\n',
      scalar: 'kafka: 5\n',
      dotted: 'nlp.url: http://a\n',
      duplicate: 'log:\n  level: info\n  level: warn\n',
      broken: 'nlp: {url: [\n',
      colon: 'nlp:\n  url: embedded:\n',
      tagged: 'log:\n  level: !secret info\n',
      proto: '__proto__:\n  x: 1\n',
      nothing: 'log:\n  level:\n',
    }
    withFiles(texts, (paths) => {
      for (const [name, path] of Object.entries(paths)) {
        assert.equal(complaints({}, { files: [path] }).length > 0, true, name)
      }
      assert.deepEqual(problemsOf(() => load({}, { files: [paths.duplicate] }))[0], {
        key: paths.duplicate,
        origin: `${paths.duplicate}:3`,
        expected: 'YAML or JSON (DUPLICATE_KEY)',
      })
      const [colon] = problemsOf(() => load({}, { files: [paths.colon] }))
      assert.equal(colon?.expected, 'YAML or JSON (a value with a colon wants quotes)')
    })
  })

  test('a file that is not there is a problem like any other', () => {
    assert.deepEqual(
      problemsOf(() => load({}, { files: ['/nowhere/enrichd.yaml'] })),
      [
        {
          key: '/nowhere/enrichd.yaml',
          origin: '--config',
          expected: 'a file that can be read (ENOENT)',
        },
      ],
    )
  })

  test('a wrong source.type does not bring complaints about what it might have required', () => {
    const { ENRICHD_NLP_URL } = minimalEnvironment
    const environment = { ENRICHD_NLP_URL, ENRICHD_SOURCE_TYPE: 'kafak', ENRICHD_SINK_TYPE: 'stdout' }
    assert.deepEqual(
      problemsOf(() => loadConfig({ environment })).map(({ key }) => key),
      ['source.type'],
    )
  })
})

describe('variables', () => {
  test('every key has a variable of its own, and none looks like the file of another', () => {
    const variables = [...settings.keys()].map(variableOf)
    assert.equal(new Set(variables).size, variables.length)
    assert.deepEqual(
      variables.filter((name) => name.endsWith('_FILE')),
      [],
    )
    assert.equal(variableOf('elasticsearch.indexTimePastMs'), 'ENRICHD_ELASTICSEARCH_INDEX_TIME_PAST_MS')
    assert.equal(variableOf('kafka.tls.serverName'), 'ENRICHD_KAFKA_TLS_SERVER_NAME')
  })

  test('the same with _FILE reads the value from a file, without one line end at its end', () => {
    withFiles({ token: 'abc\n', crlf: '64\r\n', two: 'user\n\n' }, (paths) => {
      const { config, origins } = load(
        {},
        {
          environment: {
            ENRICHD_NLP_BEARER_TOKEN_FILE: paths.token,
            ENRICHD_NLP_MAX_CONCURRENCY_FILE: paths.crlf,
            ENRICHD_ELASTICSEARCH_USERNAME_FILE: paths.two,
            ENRICHD_ELASTICSEARCH_PASSWORD: 'x',
          },
        },
      )
      assert.equal(config.nlp.bearerToken, 'abc')
      assert.equal(config.nlp.maxConcurrency, 64)
      assert.equal(config.elasticsearch.username, 'user\n')
      assert.equal(origins.get('nlp.bearerToken'), 'ENRICHD_NLP_BEARER_TOKEN_FILE')
    })
  })

  test('a variable and its _FILE together are refused, as is a file that cannot be read', () => {
    const both = {
      ENRICHD_NLP_BEARER_TOKEN: 'abc',
      ENRICHD_NLP_BEARER_TOKEN_FILE: '/run/secrets/token',
      ENRICHD_NLP_TIMEOUT_MS_FILE: '/nowhere/timeout',
    }
    const problems = problemsOf(() => load({}, { environment: both }))
    assert.deepEqual(
      problems.map(({ key, origin }) => [key, origin]),
      [
        ['nlp.bearerToken', 'ENRICHD_NLP_BEARER_TOKEN_FILE'],
        ['nlp.timeoutMs', 'ENRICHD_NLP_TIMEOUT_MS_FILE'],
      ],
    )
  })

  test('a required setting whose file cannot be read is reported once', () => {
    const environment = {
      ...minimalEnvironment,
      ENRICHD_NLP_URL: undefined,
      ENRICHD_NLP_URL_FILE: '/nowhere/url',
    }
    assert.equal(problemsOf(() => loadConfig({ environment })).length, 1)
  })

  test('variables of others are left alone', () => {
    assert.deepEqual(complaints({}, { environment: { PATH: '/bin', ENRICHED_X: '1', enrichd_x: '1' } }), [])
  })

  test('service links of Kubernetes are ignored, also those of a Service called enrichd-admin', () => {
    const links = {
      ENRICHD_PORT: 'tcp://10.0.0.7:8686',
      ENRICHD_SERVICE_HOST: '10.0.0.7',
      ENRICHD_SERVICE_PORT: '8686',
      ENRICHD_SERVICE_PORT_HTTP_ADMIN: '8686',
      ENRICHD_PORT_8686_TCP: 'tcp://10.0.0.7:8686',
      ENRICHD_PORT_8686_TCP_PROTO: 'tcp',
      ENRICHD_PORT_8686_TCP_PORT: '8686',
      ENRICHD_PORT_8686_TCP_ADDR: '10.0.0.7',
      ENRICHD_ADMIN_PORT: 'tcp://10.0.0.8:8686',
      ENRICHD_ADMIN_SERVICE_HOST: '10.0.0.8',
      ENRICHD_NLP_PORT_8090_TCP: 'tcp://10.0.0.9:8090',
    }
    assert.equal(load({}, { environment: links }).config.admin.port, 8686)
  })

  test('what only resembles a service link is refused', () => {
    for (const [variable, value] of [
      ['ENRICHD_PORT', '8686'],
      ['ENRICHD_HOST', '10.0.0.7'],
      ['ENRICHD_PORT_8686', 'x'],
    ] as const) {
      assert.deepEqual(complaints({}, { environment: { [variable]: value } }), [variable])
    }
  })
})

describe('derived defaults', () => {
  test('dead letters go to a file where the source is not Kafka, and kafka.* is then not required', () => {
    const { ENRICHD_NLP_URL } = minimalEnvironment
    const environment = { ENRICHD_NLP_URL, ENRICHD_SOURCE_TYPE: 'stdin', ENRICHD_SINK_TYPE: 'stdout' }
    const { config, origins } = loadConfig({ environment })
    assert.equal(config.deadLetter.type, 'file')
    assert.equal(origins.get('deadLetter.type'), 'default')
  })

  test('the heartbeat follows a short session, the largest batch a large one', () => {
    const { config } = load({ 'kafka.sessionTimeoutMs': '6000', 'elasticsearch.batchSize': '400' })
    assert.equal(config.kafka.heartbeatIntervalMs, 2000)
    assert.equal(config.elasticsearch.maxBatchSize, 400)
    assert.equal(load().config.kafka.heartbeatIntervalMs, 3000)
  })
})
