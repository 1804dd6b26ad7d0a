import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import kafkajs from 'kafkajs'
import type { AclOperationTypes as Operation, AclResourceTypes as Resource } from 'kafkajs'
import { failures, linesOf, runCommand, type Outcome } from '../commands/support/run-command.js'
import { CertificateAuthority } from '../support/certificates.js'
import { EsTestClient } from '../support/es-test-client.js'
import { startFakeNlp, type FakeNlp } from '../support/fake-nlp.js'
import { KafkaTestClient, uniqueName } from '../support/kafka-test-client.js'
import { cannotStartStack, sharedStack, startStack, type OwnStack } from '../support/stack.js'

// kafkajs is CommonJS, and Node does not see these names of it.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, ResourcePatternTypes } = kafkajs
const shared = sharedStack()

describe('check, against real servers', { skip: shared.skip }, () => {
  let kafka: KafkaTestClient
  let es: EsTestClient
  let nlp: FakeNlp
  before(async () => {
    kafka = new KafkaTestClient(shared.kafka)
    es = new EsTestClient(shared.elasticsearch)
    nlp = await startFakeNlp()
  })
  after(async () => {
    await nlp.close()
    await kafka.close()
  })

  async function topic(t: TestContext, options: { topic?: string; config?: Record<string, string> } = {}) {
    const name = await kafka.createTopic(options)
    t.after(() => kafka.deleteTopic(name))
    return name
  }

  function run(settings: Record<string, string>): Promise<Outcome> {
    return runCommand('check', {
      'kafka.brokers': shared.kafka.join(','),
      'kafka.groupId': uniqueName('check'),
      'nlp.url': nlp.url,
      'elasticsearch.nodes': shared.elasticsearch,
      'elasticsearch.index': uniqueName('check'),
      ...settings,
    })
  }

  it('where all is well says so line by line, and leaves nothing behind', async (t) => {
    const name = await topic(t)
    await topic(t, { topic: `${name}.dead-letter` })
    const index = uniqueName('check')
    await es.createIndex(index, { mappings: { properties: { '@timestamp': { type: 'date' } } } })
    t.after(() => es.deleteIndex(index))
    const outcome = await run({ 'kafka.topics': name, 'elasticsearch.index': index })
    assert.equal(outcome.code, 0, outcome.stdout)
    assert.match(outcome.stdout, new RegExp(`^ok +kafka topic ${name}: 1 partition, readable$`, 'm'))
    assert.match(outcome.stdout, /^ok +kafka group .*: free$/m)
    assert.match(outcome.stdout, new RegExp(`^ok +dead letter topic ${name}.dead-letter: writable$`, 'm'))
    assert.match(outcome.stdout, new RegExp(`^ok +index ${index}: an index, writable$`, 'm'))
    assert.deepEqual(await kafka.endOffsets(`${name}.dead-letter`), [0])
    assert.equal(await es.count(index), 0)
  })

  it('a missing topic, a missing dead letter topic, and a pattern that matches nothing are named', async (t) => {
    const missing = uniqueName('missing')
    const outcome = await run({ 'kafka.topics': missing })
    assert.match(
      linesOf(outcome, `kafka topic ${missing}`).join(),
      /^FAIL .*does not exist; create it, or correct kafka\.topics/,
    )
    assert.ok(!(await kafka.topics()).includes(missing), 'asking made no topic')
    const name = await topic(t)
    assert.deepEqual(failures(await run({ 'kafka.topics': name })), [
      `FAIL  dead letter topic ${name}.dead-letter: it does not exist; run enrichd setup, or create it`,
    ])
    assert.match(
      failures(await run({ 'kafka.topics': `/^${missing}/` })).join(),
      /no topic matches; correct kafka\.topics/,
    )
  })

  it('a dead letter topic that takes smaller records than its topic is a warning', async (t) => {
    const name = await topic(t, { config: { 'max.message.bytes': '2000000' } })
    await topic(t, { topic: `${name}.dead-letter` })
    const outcome = await run({ 'kafka.topics': name })
    assert.match(
      linesOf(outcome, 'dead letter').join(),
      /^warn .*less than that of .*, 2000000: larger records are cut/,
    )
  })

  it('a group in use with other topics is refused', async (t) => {
    const [name, other] = [await topic(t), await topic(t)]
    const groupId = uniqueName('used')
    const consumer = new Kafka({
      brokers: shared.kafka,
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { restartOnFailure: () => Promise.resolve(false) },
    }).consumer({ groupId })
    await consumer.subscribe({ topic: other })
    const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve))
    await consumer.run({ eachMessage: async () => undefined })
    await joined
    // Before its topic is deleted, which would make it crash.
    const outcome = await run({ 'kafka.topics': name, 'kafka.groupId': groupId }).finally(() =>
      consumer.disconnect(),
    )
    assert.deepEqual(linesOf(outcome, 'kafka group'), [
      `FAIL  kafka group ${groupId}: it is in use by 1 member with other topics (${other}); choose another kafka.groupId`,
    ])
  })

  it('wrong ports, TLS against plain text, and a login that nobody wants are told apart', async () => {
    const one = async (settings: Record<string, string>) =>
      failures(await run({ 'kafka.topics': 'any', ...settings })).filter((line) => line.includes('kafka'))
    assert.match(
      (await one({ 'kafka.brokers': '127.0.0.1:1' })).join(),
      /nothing listens there; correct host and port in kafka\.brokers/,
    )
    const es = new URL(shared.elasticsearch).host
    assert.match(
      (await one({ 'kafka.brokers': es })).join(),
      /speaks HTTP; correct the port in kafka\.brokers/,
    )
    assert.match(
      (await one({ 'kafka.tls.enabled': 'true' })).join(),
      /speaks plain text, and kafka\.tls\.enabled is true; set it to false/,
    )
    const login = {
      'kafka.sasl.mechanism': 'plain',
      'kafka.sasl.username': 'a',
      'kafka.sasl.password': 'canary',
    }
    const lines = await one(login)
    assert.match(lines.join(), /this listener takes no login; remove kafka\.sasl/)
    assert.doesNotMatch(lines.join(), /canary/)
  })

  it('a mapping conflict in a real index is told', async (t) => {
    const index = uniqueName('check')
    await es.createIndex(index, { mappings: { properties: { entities: { type: 'keyword' } } } })
    t.after(() => es.deleteIndex(index))
    const outcome = await run({ 'kafka.topics': 'any', 'elasticsearch.index': index })
    assert.match(
      linesOf(outcome, 'mapping').join(),
      /^FAIL .* entities: it is mapped as keyword, and we write an array of objects/,
    )
  })
})

describe(
  'check, against a Kafka with TLS, logins and permissions',
  { skip: cannotStartStack(), timeout: 120_000 },
  () => {
    const authority = new CertificateAuthority()
    let stack: OwnStack
    let admin: KafkaTestClient
    const topic = 'guarded'

    before(async () => {
      const { cert, key } = authority.issue({ commonName: 'broker' })
      stack = await startStack({
        name: 'check',
        only: 'kafka',
        listeners: { SECURE: 'SSL', LOGIN: 'SASL_PLAINTEXT' },
        scram: { alice: 'alice-password' },
        kafkaSettings: {
          'ssl.keystore.type': 'PEM',
          'ssl.keystore.certificate.chain': cert,
          'ssl.keystore.key': key,
          'listener.name.login.sasl.enabled.mechanisms': 'SCRAM-SHA-256',
          'listener.name.login.scram-sha-256.sasl.jaas.config':
            'org.apache.kafka.common.security.scram.ScramLoginModule required;',
          'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          'super.users': 'User:ANONYMOUS',
        },
      })
      admin = new KafkaTestClient(stack.kafka)
      for (const name of [topic, `${topic}.dead-letter`]) await admin.createTopic({ topic: name })
    })
    after(async () => {
      await admin.close()
      await stack.wipe()
    })

    function run(brokers: string[], settings: Record<string, string> = {}): Promise<Outcome> {
      return runCommand('check', {
        'kafka.brokers': brokers.join(','),
        'kafka.topics': topic,
        'kafka.groupId': 'guarded-group',
        'nlp.url': 'embedded:',
        'sink.type': 'stdout',
        ...settings,
      })
    }
    const alice = {
      'kafka.sasl.mechanism': 'scram-sha-256',
      'kafka.sasl.username': 'alice',
      'kafka.sasl.password': 'alice-password',
    }

    async function allow(resourceType: Resource, resourceName: string, operation: Operation) {
      const entry = {
        resourceType,
        resourceName,
        operation,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        principal: 'User:alice',
        host: '*',
        permissionType: AclPermissionTypes.ALLOW,
      }
      await (await admin.admin()).createAcls({ acl: [entry] })
    }

    it('over TLS: a known CA, an unknown one, and plain text', async () => {
      const [secure] = [stack.listeners['SECURE'] ?? []]
      const ca = { 'kafka.tls.enabled': 'true', 'kafka.tls.ca': authority.cert }
      assert.match((await run(secure, ca)).stdout, /ok +kafka login/)
      assert.match(
        failures(await run(secure, { 'kafka.tls.enabled': 'true' })).join(),
        /CA that is not known here; set kafka\.tls\.ca/,
      )
      assert.match(
        failures(await run(secure)).join(),
        /it speaks TLS, and kafka\.tls\.enabled is false; set it to true/,
      )
    })

    it('with a login: none, a wrong one, another mechanism', async () => {
      const login = stack.listeners['LOGIN'] ?? []
      assert.match(failures(await run(login)).join(), /kafka login: .*set kafka\.sasl\.mechanism/)
      const wrong = failures(await run(login, { ...alice, 'kafka.sasl.password': 'canary' })).join()
      assert.match(
        wrong,
        /kafka login: .*authentication failed.* kafka\.sasl\.username and kafka\.sasl\.password/i,
      )
      assert.doesNotMatch(wrong, /canary/)
      const other = failures(await run(login, { ...alice, 'kafka.sasl.mechanism': 'plain' })).join()
      assert.match(other, /set kafka\.sasl\.mechanism to one that this listener takes/)
    })

    it('setup without the permission to create says so', async () => {
      const outcome = await runCommand('setup', {
        'kafka.brokers': (stack.listeners['LOGIN'] ?? []).join(','),
        'kafka.topics': 'other',
        'kafka.groupId': 'any',
        'nlp.url': 'embedded:',
        'sink.type': 'stdout',
        ...alice,
      })
      assert.equal(outcome.code, 1, outcome.stdout)
      assert.match(
        outcome.stdout,
        /FAIL +dead letter topic other\.dead-letter: this user may not create it; allow it/,
      )
    })

    it('permission by permission, until all are there; and trying wrote nothing', async () => {
      const login = stack.listeners['LOGIN'] ?? []
      const refused = async () => failures(await run(login, alice)).map((line) => line.split(';')[0])
      const read = 'this user may not read it'
      const group = 'FAIL  kafka group guarded-group: this user may not be its member'
      const write = `FAIL  dead letter topic ${topic}.dead-letter: this user may not write to it`
      assert.deepEqual(await refused(), [`FAIL  kafka topic ${topic}: ${read}`, group])
      await allow(AclResourceTypes.TOPIC, topic, AclOperationTypes.DESCRIBE)
      assert.deepEqual(await refused(), [`FAIL  kafka topic ${topic}: ${read}`, group])
      await allow(AclResourceTypes.TOPIC, topic, AclOperationTypes.READ)
      assert.deepEqual(await refused(), [group, write])
      await allow(AclResourceTypes.GROUP, 'guarded-group', AclOperationTypes.READ)
      await allow(AclResourceTypes.TOPIC, `${topic}.dead-letter`, AclOperationTypes.DESCRIBE)
      assert.deepEqual(await refused(), [write])
      await allow(AclResourceTypes.TOPIC, `${topic}.dead-letter`, AclOperationTypes.WRITE)
      const outcome = await run(login, alice)
      assert.equal(outcome.code, 0, outcome.stdout)
      assert.deepEqual(await admin.endOffsets(`${topic}.dead-letter`), [0])
    })
  },
)
