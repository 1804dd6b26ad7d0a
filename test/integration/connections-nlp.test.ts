import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { CertificateAuthority, encryptKey } from '../support/certificates.js'
import { DaemonProcess } from '../support/daemon-process.js'
import { startFakeNlp, type FakeNlp } from '../support/fake-nlp.js'
import { startTestProxy, type TestProxy } from '../support/test-proxy.js'
import { startTlsFront, type TlsFront } from '../support/tls-front.js'

type Settings = Readonly<Record<string, string | number | boolean>>
type Environment = Readonly<Record<string, string>>

const texts = ['disk full', 'link down']
const token = 'nlp-token'
const passphrase = 'nlp-passphrase'
const proxyLogin = 'proxy-user:proxy-password'

/** The daemon between a file and standard output: only the NLP service is away. */
describe('an NLP service behind TLS, tokens and proxies', { concurrency: 3 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'enrichd-nlp-'))
  let ca: CertificateAuthority
  let strangers: CertificateAuthority
  let nlp: FakeNlp
  let proxy: TestProxy
  /** For `127.0.0.1`; for `nlp.internal` alone; for who shows a client certificate. */
  let fronts: { readonly plain: TlsFront; readonly named: TlsFront; readonly guarded: TlsFront }

  before(async () => {
    ca = new CertificateAuthority()
    strangers = new CertificateAuthority('Strangers')
    nlp = await startFakeNlp({
      script: (_, { headers }) =>
        headers.authorization === 'Bearer wrong-token' ? { status: 401, body: '{}' } : undefined,
    })
    const identity = ca.issue({ commonName: 'nlp' })
    const named = ca.issue({ commonName: 'nlp', names: ['nlp.internal'] })
    fronts = {
      plain: await startTlsFront({ port: nlp.port, identity }),
      named: await startTlsFront({ port: nlp.port, identity: named }),
      guarded: await startTlsFront({ port: nlp.port, identity, clientCa: ca.cert }),
    }
    proxy = await startTestProxy(proxyLogin)
    writeFileSync(join(directory, 'records.log'), texts.map((text) => `${text}\n`).join(''))
  })
  after(async () => {
    await Promise.all([...Object.values(fronts), proxy, nlp].map((server) => server.close()))
    rmSync(directory, { recursive: true })
  })

  function start(t: TestContext, settings: Settings, env: Environment = {}): DaemonProcess {
    const daemon = new DaemonProcess({
      settings: {
        'source.type': 'file',
        'source.path': join(directory, 'records.log'),
        'sink.type': 'stdout',
        'deadLetter.path': join(directory, 'dead-letters.ndjson'),
        ...settings,
      },
      env,
    })
    t.after(() => {
      daemon.kill('SIGKILL')
    })
    return daemon
  }

  async function analysed(daemon: DaemonProcess): Promise<void> {
    assert.equal((await daemon.ended()).code, 0, daemon.tail())
    for (const text of texts) {
      const document = daemon.lines.find((line) => line['message'] === text)
      assert.deepEqual(
        document?.['entities'],
        [{ text: text.slice(0, 4), type: 'word', start: 0, end: 4 }],
        daemon.tail(),
      )
    }
  }

  const at = (front: TlsFront) => ({ 'nlp.url': `https://127.0.0.1:${front.port}/` })
  const trusting = (front: TlsFront) => ({ ...at(front), 'nlp.tls.ca': ca.cert })
  const clientCertificate = (authority: CertificateAuthority) => {
    const { cert, key } = authority.issue({ commonName: 'enrichd' })
    return {
      'nlp.tls.cert': cert,
      'nlp.tls.key': encryptKey(key, passphrase),
      'nlp.tls.passphrase': passphrase,
    }
  }
  const proxyAt = (login: string) => `http://${login === '' ? '' : `${login}@`}127.0.0.1:${proxy.port}`

  it('is used over TLS with a CA of its own', async (t) => {
    await analysed(start(t, trusting(fronts.plain)))
  })

  it('is used where its certificate is for another name than the address', async (t) => {
    const daemon = start(t, {
      ...trusting(fronts.named),
      'nlp.tls.enabled': true,
      'nlp.tls.serverName': 'nlp.internal',
    })
    await analysed(daemon)
  })

  it('is shown a client certificate, whose key has a passphrase', async (t) => {
    await analysed(start(t, { ...trusting(fronts.guarded), ...clientCertificate(ca) }))
    assert.ok(fronts.guarded.clients.length > 0)
    assert.ok(fronts.guarded.clients.every((name) => name === 'enrichd'))
  })

  it('is shown a bearer token and headers, from files', async (t) => {
    const seen: unknown[] = []
    const own = await startFakeNlp({
      script: (_, { headers }) => void seen.push([headers.authorization, headers['x-team']]),
    })
    const front = await startTlsFront({ port: own.port, identity: ca.issue({ commonName: 'nlp' }) })
    t.after(() => Promise.all([own.close(), front.close()]))
    const files = { token: `${token}\n`, ca: ca.cert, headers: '{"X-Team": "logs"}' }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
    const daemon = start(t, at(front), {
      ENRICHD_NLP_BEARER_TOKEN_FILE: join(directory, 'token'),
      ENRICHD_NLP_TLS_CA_FILE: join(directory, 'ca'),
      ENRICHD_NLP_HEADERS_FILE: join(directory, 'headers'),
    })
    await analysed(daemon)
    assert.deepEqual(seen, [
      [`Bearer ${token}`, 'logs'],
      [`Bearer ${token}`, 'logs'],
    ])
  })

  it('is reached through the proxy of https_proxy by a tunnel, in which TLS is verified end to end', async (t) => {
    const environment = { https_proxy: proxyAt(proxyLogin), http_proxy: 'http://127.0.0.1:1' }
    const daemon = start(t, { ...trusting(fronts.guarded), ...clientCertificate(ca) }, environment)
    await analysed(daemon)
    assert.ok(proxy.asked.includes(`CONNECT 127.0.0.1:${fronts.guarded.port}`), proxy.asked.join('\n'))
  })

  it('is reached through the proxy of HTTP_PROXY where it speaks plain HTTP', async (t) => {
    await analysed(start(t, { 'nlp.url': nlp.url }, { HTTP_PROXY: proxyAt(proxyLogin) }))
    assert.ok(proxy.asked.includes(`POST ${nlp.url}`), proxy.asked.join('\n'))
  })

  it('is reached directly where no_proxy names it', async (t) => {
    const environment = { https_proxy: 'http://127.0.0.1:1', no_proxy: '.example,127.0.0.1' }
    await analysed(start(t, trusting(fronts.plain), environment))
  })

  it('with verification switched off is used whoever it is, and the log warns of it', async (t) => {
    const daemon = start(t, { ...at(fronts.named), 'nlp.tls.verify': false })
    await analysed(daemon)
    const warning = daemon.lines.find(({ event }) => event === 'nlp.tls_unverified')
    assert.equal(warning?.level, 'warn', daemon.tail())
    assert.match(warning.msg ?? '', /nlp\.tls\.verify is false/)
  })

  const mistakes: readonly {
    readonly name: string
    readonly settings: () => Settings
    readonly env?: () => Environment
    readonly advice: RegExp
  }[] = [
    {
      name: 'a CA that did not sign for it',
      settings: () => ({ ...at(fronts.plain), 'nlp.tls.ca': strangers.cert }),
      advice: /nlp\.tls\.ca/,
    },
    { name: 'no CA', settings: () => at(fronts.plain), advice: /nlp\.tls\.ca/ },
    {
      name: 'another name in its certificate',
      settings: () => trusting(fronts.named),
      advice: /nlp\.tls\.ca, \.cert, \.serverName/,
    },
    {
      name: 'no client certificate where one is wanted',
      settings: () => trusting(fronts.guarded),
      advice: /nlp\.tls\.cert/,
    },
    {
      name: 'a client certificate of a stranger',
      settings: () => ({ ...trusting(fronts.guarded), ...clientCertificate(strangers) }),
      advice: /nlp\.tls\.cert/,
    },
    {
      name: 'a wrong token',
      settings: () => ({ ...trusting(fronts.plain), 'nlp.bearerToken': 'wrong-token' }),
      advice: /nlp\.bearerToken/,
    },
    {
      name: 'https: where plain HTTP is spoken',
      settings: () => ({ 'nlp.url': `https://127.0.0.1:${nlp.port}/` }),
      advice: /nlp\.url/,
    },
    {
      name: 'http: where TLS is spoken',
      settings: () => ({ 'nlp.url': `http://127.0.0.1:${fronts.plain.port}/` }),
      advice: /nlp\.url/,
    },
    {
      name: 'a proxy that wants a password (a tunnel)',
      settings: () => trusting(fronts.plain),
      env: () => ({ https_proxy: proxyAt('') }),
      advice: /password in the proxy variable/,
    },
    {
      name: 'a proxy that wants a password (plain HTTP)',
      settings: () => ({ 'nlp.url': nlp.url }),
      env: () => ({ http_proxy: proxyAt('proxy-user:wrong') }),
      advice: /password in the proxy variable/,
    },
  ]
  for (const { name, settings, env, advice } of mistakes) {
    it(`is waited for with ${name}: the log says what to change, and SIGTERM ends it with 0`, async (t) => {
      const daemon = start(t, settings(), env?.())
      const line = await daemon.logged((each) => /^nlp\.(down|misconfigured)$/.test(each.event ?? ''))
      const exit = await daemon.stop()
      assert.match(line.msg ?? '', advice)
      assert.equal(exit.code, 0, daemon.tail())
      assert.ok(exit.afterMs < 10_000, `it took ${exit.afterMs} ms`)
      assert.ok(!daemon.lines.some((each) => texts.includes(String(each['message']))), daemon.tail())
    })
  }
})
