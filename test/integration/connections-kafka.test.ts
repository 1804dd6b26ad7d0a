import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { kafkaLogin, plantCanaries } from '../support/canary.js'
import { CertificateAuthority, encryptKey } from '../support/certificates.js'
import { quick } from '../support/checker.js'
import { DaemonProcess } from '../support/daemon-process.js'
import { startEchoingServices } from '../support/echoing-services.js'
import { startFakeNlp, type FakeNlp } from '../support/fake-nlp.js'
import { KafkaTestClient, uniqueName } from '../support/kafka-test-client.js'
import { startSecureKafka } from '../support/secure-kafka.js'
import { cannotStartStack, type OwnStack } from '../support/stack.js'
import { until } from '../support/until.js'

type Settings = Readonly<Record<string, string | number | boolean>>

interface Run {
  readonly listener: string
  readonly settings: Settings
  readonly env?: Readonly<Record<string, string>>
}

const skip = cannotStartStack()
const { user, password } = kafkaLogin
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
    kafka = await startSecureKafka({ ca, ...kafkaLogin })
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

  function start(t: TestContext, { listener, settings, env = {} }: Run) {
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
      env,
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
  const login = (mechanism: string, secret: string = password) => ({
    ...trusting(),
    'kafka.sasl.mechanism': mechanism,
    'kafka.sasl.username': user,
    'kafka.sasl.password': secret,
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
      const { daemon, group } = start(t, { listener, settings: settings() })
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
        const { daemon } = start(t, { listener, settings: settings() })
        const line = await daemon.logged((each) => /^kafka\.(down|misconfigured)$/.test(each.event ?? ''))
        const exit = await daemon.stop()
        assert.equal(exit.code, 0, daemon.tail())
        assert.match(line.msg ?? '', advice)
        assert.ok(exit.afterMs < 10_000, `it took ${exit.afterMs} ms`)
      },
    )
  }

  it(
    'with verification switched off are read whoever they are, and the log warns of it',
    { skip },
    async (t) => {
      const { daemon } = start(t, {
        listener: 'TLS',
        settings: { 'kafka.tls.enabled': true, 'kafka.tls.verify': false },
      })
      await daemon.logged((line) => line['message'] === texts[0])
      const warning = await daemon.logged('kafka.tls_unverified')
      assert.equal(warning.level, 'warn')
      assert.match(warning.msg ?? '', /kafka\.tls\.verify is false/)
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
    },
  )

  for (const by of ['name', 'key'] as const) {
    it(
      `and everything else with canaries for secrets (Elasticsearch by ${by}): none is in a log, /status, config or a dead letter, whoever quotes it`,
      { skip },
      async (t) => {
        const { settings: planted, proxyLogin, forbidden } = plantCanaries(ca, by)
        const services = await startEchoingServices({ ca, proxyLogin })
        t.after(() => services.close())
        const own = await troublesomeRecords()
        const settings = { ...planted, ...services.settings, 'kafka.topics': own, 'log.level': 'trace' }
        const { daemon } = start(t, { listener: 'BOTH', settings, env: services.env })
        const letters = `${own}.dead-letter`
        await until('three records are dead letters', async () => (await client.endOffsets(letters))[0] === 3)
        const pages = await pagesOf(daemon)
        assert.equal((await daemon.stop()).code, 0, daemon.tail())
        const wrong = { ...settings, 'kafka.sasl.password': 'canary_wrong_password' }
        const mistaken = start(t, { listener: 'BOTH', settings: wrong, env: services.env }).daemon
        await mistaken.logged('kafka.misconfigured')
        assert.equal((await mistaken.stop()).code, 0)
        const said = {
          log: daemon.tail(10_000),
          mistaken: mistaken.tail(10_000),
          ...pages,
          letters: JSON.stringify(
            (await client.consumeAll(letters)).map(({ headers }) =>
              Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${String(value)}`),
            ),
          ),
          config: await configOf(settings),
        }
        for (const [where, text] of Object.entries(said)) {
          for (const secret of forbidden) {
            const at = text.indexOf(secret)
            assert.equal(at, -1, `${where} has ${text.slice(Math.max(0, at - 300), at + 100)}`)
          }
        }
        assert.match(said.log, /\[secret\]/, 'it was quoted, and masked')
      },
    )
  }

  async function troublesomeRecords(): Promise<string> {
    const made = await client.createTopic()
    await client.createTopic({ topic: `${made}.dead-letter` })
    const messages = ['fine', 'refused', 'failing', 'misfit', 'fine too', 'and fine']
    await client.produce(
      made,
      messages.map((message) => ({ value: JSON.stringify({ message }) })),
    )
    return made
  }
})

async function pagesOf(daemon: DaemonProcess): Promise<Record<string, string>> {
  const { admin } = await daemon.logged('daemon.starting')
  const pages: Record<string, string> = {}
  for (const path of ['status', 'metrics', '', 'readyz']) {
    pages[`/${path}`] = await (await fetch(new URL(path, String(admin)))).text()
  }
  return pages
}

/** What `enrichd config` prints for these settings. */
async function configOf(settings: Settings): Promise<string> {
  const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
  const all = { ...settings, 'kafka.brokers': 'localhost:1', 'kafka.topics': 'x', 'kafka.groupId': 'x' }
  const set = Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  return (await promisify(execFile)(process.execPath, [program, 'config', ...set])).stdout
}
