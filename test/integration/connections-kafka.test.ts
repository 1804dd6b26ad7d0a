import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { CertificateAuthority, encryptKey } from '../support/certificates.js'
import { quick } from '../support/checker.js'
import { DaemonProcess } from '../support/daemon-process.js'
import { startFakeNlp, type FakeNlp } from '../support/fake-nlp.js'
import { KafkaTestClient, uniqueName } from '../support/kafka-test-client.js'
import { cannotStartStack, startStack, type OwnStack } from '../support/stack.js'
import { until } from '../support/until.js'

type Settings = Readonly<Record<string, string | number | boolean>>

const skip = cannotStartStack()
const user = 'enrichd'
const password = 'enrichd-password'
const passphrase = 'enrichd-passphrase'
const texts = ['disk full', 'link down']

describe('Kafka behind TLS and logins', { concurrency: 3 }, () => {
  let ca: CertificateAuthority
  let strangers: CertificateAuthority
  let kafka: OwnStack
  let client: KafkaTestClient
  let nlp: FakeNlp
  let topic: string

  before(async () => {
    if (skip) return
    ca = new CertificateAuthority()
    strangers = new CertificateAuthority('Strangers')
    kafka = await startSecureKafka(ca)
    nlp = await startFakeNlp()
    client = new KafkaTestClient(kafka.kafka)
    topic = await client.createTopic()
    await client.createTopic({ topic: `${topic}.dead-letter` })
    await client.produce(topic, [
      ...texts.map((message) => ({ value: JSON.stringify({ message }) })),
      { value: '{"level":"info"}' },
    ])
  })
  after(async () => {
    if (skip) return
    await nlp.close()
    await client.close()
    await kafka.wipe()
  })

  const trusting = () => ({ 'kafka.tls.enabled': true, 'kafka.tls.ca': ca.cert })

  function start(t: TestContext, listener: string, settings: Settings) {
    const group = uniqueName('group')
    const brokers = listener === 'PLAINTEXT' ? kafka.kafka : (kafka.listeners[listener] ?? [])
    const daemon = new DaemonProcess({
      settings: {
        ...quick,
        'kafka.brokers': brokers.join(','),
        'kafka.topics': topic,
        'kafka.groupId': group,
        'nlp.url': nlp.url,
        'sink.type': 'stdout',
        ...settings,
      },
    })
    t.after(() => {
      daemon.kill('SIGKILL')
    })
    return { daemon, group }
  }

  const clientCertificate = (authority: CertificateAuthority) => {
    const { cert, key } = authority.issue({ commonName: 'enrichd' })
    return { ...trusting(), 'kafka.tls.cert': cert, 'kafka.tls.key': key }
  }
  const login = (mechanism: string, with_ = password) => ({
    ...trusting(),
    'kafka.sasl.mechanism': mechanism,
    'kafka.sasl.username': user,
    'kafka.sasl.password': with_,
  })
  const withPassphrase = () => {
    const { 'kafka.tls.key': key, ...rest } = clientCertificate(ca)
    return { ...rest, 'kafka.tls.key': encryptKey(key, passphrase), 'kafka.tls.passphrase': passphrase }
  }

  const waysIn: readonly (readonly [name: string, listener: string, settings: () => Settings])[] = [
    ['TLS with a CA of their own', 'TLS', trusting],
    ['a client certificate', 'MTLS', () => clientCertificate(ca)],
    ['a client certificate whose key has a passphrase', 'MTLS', withPassphrase],
    ['SASL PLAIN over TLS', 'SASL', () => login('plain')],
    ['SASL SCRAM-SHA-256 over TLS', 'SASL', () => login('scram-sha-256')],
    ['SASL SCRAM-SHA-512 over TLS', 'SASL', () => login('scram-sha-512')],
  ]
  for (const [name, listener, settings] of waysIn) {
    it(`are read, committed to and written dead letters to with ${name}`, { skip }, async (t) => {
      const { daemon, group } = start(t, listener, settings())
      for (const text of texts) await daemon.logged((line) => line['message'] === text)
      await until('all is committed, which the dead letter must be written for', async () => {
        return (await client.committedOffsets(group, topic))[0] === texts.length + 1
      })
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
    })
  }

  const mistakes: readonly (readonly [
    name: string,
    listener: string,
    settings: () => Settings,
    advice: RegExp,
  ])[] = [
    [
      'a CA that did not sign for the brokers',
      'TLS',
      () => ({ ...trusting(), 'kafka.tls.ca': strangers.cert }),
      /kafka\.tls\.ca/,
    ],
    ['no CA', 'TLS', () => ({ 'kafka.tls.enabled': true }), /kafka\.tls\.ca/],
    [
      'another name in the certificate',
      'TLS',
      () => ({ ...trusting(), 'kafka.tls.serverName': 'elsewhere' }),
      /kafka\.tls\.serverName/,
    ],
    ['no client certificate where one is wanted', 'MTLS', trusting, /kafka\.tls\.cert/],
    ['a client certificate of a stranger', 'MTLS', () => clientCertificate(strangers), /kafka\.tls\.cert/],
    ['a wrong password (PLAIN)', 'SASL', () => login('plain', 'wrong-password'), /kafka\.sasl/],
    ['a wrong password (SCRAM)', 'SASL', () => login('scram-sha-512', 'wrong-password'), /kafka\.sasl/],
    ['no login where one is wanted', 'SASL', trusting, /kafka\.sasl/],
    ['a login where none is wanted', 'TLS', () => login('plain'), /kafka\.sasl/],
    ['plain text where TLS is wanted', 'TLS', () => ({}), /kafka\.tls\.enabled/],
    ['TLS where plain text is spoken', 'PLAINTEXT', trusting, /kafka\.tls\.enabled/],
  ]
  for (const [name, listener, settings, advice] of mistakes) {
    it(
      `are waited for with ${name}: the log says what to change, and SIGTERM ends it with 0`,
      { skip },
      async (t) => {
        const { daemon } = start(t, listener, settings())
        const line = await daemon.logged((each) => /^kafka\.(down|misconfigured)$/.test(each.event ?? ''))
        t.diagnostic(JSON.stringify(line).slice(0, 900))
        const exit = await daemon.stop()
        assert.equal(exit.code, 0, daemon.tail())
        assert.match(line.msg ?? '', advice)
        assert.ok(exit.afterMs < 2000, `it took ${exit.afterMs} ms`)
      },
    )
  }

  it(
    'with verification switched off are read whoever they are, and the log warns of it',
    { skip },
    async (t) => {
      const { daemon } = start(t, 'TLS', { 'kafka.tls.enabled': true, 'kafka.tls.verify': false })
      await daemon.logged((line) => line['message'] === texts[0])
      const warning = await daemon.logged('kafka.tls_unverified')
      assert.equal(warning.level, 'warn')
      assert.match(warning.msg ?? '', /kafka\.tls\.verify is false/)
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
    },
  )
})

/** Listeners: `TLS`, `MTLS` (asks for a client certificate) and `SASL` (over TLS; PLAIN and both kinds of SCRAM). */
function startSecureKafka(ca: CertificateAuthority): Promise<OwnStack> {
  const { cert, key } = ca.issue({ commonName: 'broker' })
  const jaas = 'org.apache.kafka.common.security'
  return startStack({
    name: 'secure-kafka',
    only: 'kafka',
    listeners: { TLS: 'SSL', MTLS: 'SSL', SASL: 'SASL_SSL' },
    scram: { [user]: password },
    kafkaSettings: {
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.certificate.chain': cert,
      'ssl.keystore.key': key,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.certificates': ca.cert,
      'listener.name.mtls.ssl.client.auth': 'required',
      'listener.name.sasl.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'listener.name.sasl.plain.sasl.jaas.config': `${jaas}.plain.PlainLoginModule required user_${user}="${password}";`,
      'listener.name.sasl.scram-sha-256.sasl.jaas.config': `${jaas}.scram.ScramLoginModule required;`,
      'listener.name.sasl.scram-sha-512.sasl.jaas.config': `${jaas}.scram.ScramLoginModule required;`,
    },
  })
}
