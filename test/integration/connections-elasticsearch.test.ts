import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { Client } from '@elastic/elasticsearch'
import { CertificateAuthority, encryptKey } from '../support/certificates.js'
import { DaemonProcess } from '../support/daemon-process.js'
import { startFakeElasticsearch, type FakeElasticsearch } from '../support/fake-elasticsearch.js'
import { startFakeNlp, type FakeNlp } from '../support/fake-nlp.js'
import { uniqueName } from '../support/kafka-test-client.js'
import { cannotStartStack, startStack, type OwnStack } from '../support/stack.js'
import { startTlsFront, type TlsFront } from '../support/tls-front.js'

type Settings = Readonly<Record<string, string | number | boolean>>

const skip = cannotStartStack()
const password = 'elastic-password'
const passphrase = 'elastic-passphrase'
const texts = ['disk full', 'link down']
const directory = mkdtempSync(join(tmpdir(), 'enrichd-es-'))
const records = join(directory, 'records.log')
const ca = new CertificateAuthority()
const strangers = new CertificateAuthority('Strangers')
const login = { 'elasticsearch.username': 'elastic', 'elasticsearch.password': password }
let nlp: FakeNlp

before(async () => {
  nlp = await startFakeNlp()
  writeFileSync(records, texts.map((text) => `${text}\n`).join(''))
})
after(async () => {
  await nlp.close()
  rmSync(directory, { recursive: true })
})

/** The daemon between a file and Elasticsearch. */
function start(t: TestContext, node: string, settings: Settings) {
  const index = uniqueName('secured')
  const daemon = new DaemonProcess({
    settings: {
      'source.type': 'file',
      'source.path': records,
      'nlp.url': nlp.url,
      'deadLetter.path': join(directory, 'dead-letters.ndjson'),
      'pipeline.gracefulTimeoutMs': 500,
      'elasticsearch.nodes': node,
      'elasticsearch.index': index,
      ...settings,
    },
  })
  t.after(() => {
    daemon.kill('SIGKILL')
  })
  return { daemon, index }
}

/** Waits until it says that a setting is wrong, and ends it. */
async function complaint(daemon: DaemonProcess): Promise<string> {
  const { msg = '' } = await daemon.logged('elasticsearch.misconfigured')
  const exit = await daemon.stop()
  assert.ok(exit.afterMs < 10_000, `it took ${exit.afterMs} ms`)
  // Nothing was begun before Elasticsearch took the login, so there is nothing to wait for.
  assert.equal(exit.code, 0, daemon.tail())
  return msg
}

describe('an Elasticsearch behind TLS and a password', { concurrency: 3 }, () => {
  let stack: OwnStack
  let client: Client

  before(async () => {
    if (skip) return
    stack = await startSecureElasticsearch()
    client = new Client({
      node: stack.elasticsearch,
      tls: { ca: ca.cert },
      auth: { username: 'elastic', password },
    })
  })
  after(async () => {
    if (skip) return
    await client.close()
    await stack.wipe()
  })

  async function indexed({ daemon, index }: ReturnType<typeof start>): Promise<void> {
    assert.equal((await daemon.ended()).code, 0, daemon.tail())
    await client.indices.refresh({ index })
    assert.equal((await client.count({ index })).count, texts.length)
  }

  const trusting = { ...login, 'elasticsearch.tls.ca': ca.cert }

  it('is written to with a CA of its own', { skip }, async (t) => {
    await indexed(start(t, stack.elasticsearch, { ...trusting, 'elasticsearch.tls.enabled': true }))
  })

  it('is written to with the fingerprint of its CA in place of the CA', { skip }, async (t) => {
    const fingerprint = ca.fingerprint.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:')
    await indexed(start(t, stack.elasticsearch, { ...login, 'elasticsearch.tls.fingerprint': fingerprint }))
  })

  it(
    'with verification switched off is written to whoever it is, and the log warns of it',
    { skip },
    async (t) => {
      const started = start(t, stack.elasticsearch, { ...login, 'elasticsearch.tls.verify': false })
      await indexed(started)
      const warning = await started.daemon.logged('elasticsearch.tls_unverified')
      assert.equal(warning.level, 'warn')
      assert.match(warning.msg ?? '', /elasticsearch\.tls\.verify is false/)
    },
  )

  const mistakes: readonly (readonly [name: string, settings: Settings, advice: RegExp])[] = [
    [
      'a CA that did not sign for it',
      { ...login, 'elasticsearch.tls.ca': strangers.cert },
      /elasticsearch\.tls/,
    ],
    ['no CA', login, /elasticsearch\.tls/],
    [
      'a wrong fingerprint',
      { ...login, 'elasticsearch.tls.fingerprint': strangers.fingerprint },
      new RegExp(`elasticsearch\\.tls\\.fingerprint; that of its CA is ${ca.fingerprint}`),
    ],
    [
      'another name in its certificate',
      { ...trusting, 'elasticsearch.tls.serverName': 'elsewhere' },
      /elasticsearch\.tls/,
    ],
    [
      'a wrong password',
      { ...trusting, 'elasticsearch.password': 'wrong-password' },
      /check elasticsearch\.apiKey, or username and password/,
    ],
    [
      'no password',
      { 'elasticsearch.tls.ca': ca.cert },
      /check elasticsearch\.apiKey, or username and password/,
    ],
  ]
  for (const [name, settings, advice] of mistakes) {
    it(`is waited for with ${name}, and the log says what to change`, { skip }, async (t) => {
      assert.match(await complaint(start(t, stack.elasticsearch, settings).daemon), advice)
    })
  }
})

describe('an Elasticsearch behind TLS that is a stand-in', { concurrency: 3 }, () => {
  let fake: FakeElasticsearch
  let front: TlsFront
  let guarded: TlsFront

  before(async () => {
    fake = await startFakeElasticsearch()
    const identity = ca.issue({ commonName: 'es' })
    front = await startTlsFront({ port: portOf(fake), identity })
    guarded = await startTlsFront({ port: portOf(fake), identity, clientCa: ca.cert })
  })
  after(async () => {
    await Promise.all([front.close(), guarded.close(), fake.close()])
  })

  const at = ({ port }: { port: number }) => `https://127.0.0.1:${port}`

  it('is given the API key', async (t) => {
    const apiKey = 'QVBJLWtleTpzZWNyZXQ='
    const { daemon, index } = start(t, at(front), {
      'elasticsearch.tls.ca': ca.cert,
      'elasticsearch.apiKey': apiKey,
    })
    assert.equal((await daemon.ended()).code, 0, daemon.tail())
    const bulks = fake.bulks.filter(({ items }) => items[0]?.index === index)
    assert.ok(bulks.length > 0)
    for (const { headers } of bulks) assert.equal(headers.authorization, `ApiKey ${apiKey}`)
  })

  for (const pinned of [true, false]) {
    it(`is shown a client certificate, with the ${pinned ? 'fingerprint' : 'certificate'} of its CA`, async (t) => {
      const { cert, key } = ca.issue({ commonName: 'enrichd' })
      const { daemon } = start(t, at(guarded), {
        'elasticsearch.tls.cert': cert,
        'elasticsearch.tls.key': encryptKey(key, passphrase),
        'elasticsearch.tls.passphrase': passphrase,
        ...(pinned
          ? { 'elasticsearch.tls.fingerprint': ca.fingerprint }
          : { 'elasticsearch.tls.ca': ca.cert }),
      })
      assert.equal((await daemon.ended()).code, 0, daemon.tail())
      assert.ok(guarded.clients.includes('enrichd'))
    })
  }

  it('is told nothing if it shows a copy of the pinned CA behind a certificate which that did not sign', async (t) => {
    const own = await startFakeElasticsearch()
    const impostor = await startTlsFront({ port: portOf(own), identity: ca.forge({ commonName: 'es' }) })
    t.after(() => Promise.all([impostor.close(), own.close()]))
    const settings = { ...login, 'elasticsearch.tls.fingerprint': ca.fingerprint }
    const message = await complaint(start(t, at(impostor), settings).daemon)
    assert.match(message, /certificate signature failure; check elasticsearch\.tls/)
    assert.equal(own.bulks.length + own.heads.length, 0)
  })
})

function portOf({ url }: FakeElasticsearch): number {
  return Number(new URL(url).port)
}

function startSecureElasticsearch(): Promise<OwnStack> {
  const { cert, key } = ca.issue({ commonName: 'es' })
  const files = { 'http.crt': cert, 'http.key': key }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return startStack({
    name: 'secure-es',
    only: 'es',
    esSettings: {
      'xpack.security.enabled': 'true',
      'xpack.security.http.ssl.enabled': 'true',
      'xpack.security.http.ssl.certificate': 'http.crt',
      'xpack.security.http.ssl.key': 'http.key',
    },
    esFiles: { 'http.crt': join(directory, 'http.crt'), 'http.key': join(directory, 'http.key') },
    esSecrets: { 'bootstrap.password': password },
  })
}
