import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { CertificateAuthority } from '../support/certificates.js'
import { startFakeNlp } from '../support/fake-nlp.js'
import { listen } from './support/fake-cluster.js'
import { linesOf, runCommand } from './support/run-command.js'

/** The lines that `check` says of an NLP service, with nothing else to check. */
async function checked(
  url: string,
  settings: Record<string, string | number> = {},
): Promise<readonly string[]> {
  const outcome = await runCommand('check', {
    'source.type': 'stdin',
    'sink.type': 'stdout',
    'deadLetter.path': '/tmp/dead-letters.ndjson',
    'nlp.url': url,
    ...settings,
  })
  const lines = linesOf(outcome, 'nlp service')
  assert.equal(outcome.code, lines.some((line) => line.startsWith('FAIL')) ? 1 : 0, outcome.stdout)
  return lines
}

async function answering(
  t: TestContext,
  body: string,
  { status = 200, type = 'application/json' }: { status?: number; type?: string } = {},
) {
  return listen(t, (_request, response) => {
    response.writeHead(status, { 'content-type': type }).end(body)
  })
}

describe('check of the NLP service', () => {
  it('makes one call, and one with two texts where calls carry several', async (t) => {
    const nlp = await startFakeNlp()
    t.after(() => nlp.close())
    assert.match(
      (await checked(nlp.url))[0] ?? '',
      /^ok +nlp service http:.*: answered in \d+ ms: 1 entity in the sample, severity low$/,
    )
    const two = await checked(nlp.url, { 'nlp.batchSize': 8 })
    assert.match(two[1] ?? '', /^ok .*two texts in one call: answered .*: 2 entities/)
    assert.equal(nlp.answered.length, 1 + 1 + 2)
  })

  it('the engine inside this process answers too', async () => {
    assert.match(
      (await checked('embedded:'))[0] ?? '',
      /^ok .*inside this process: answered in .* severity high$/,
    )
  })

  const wrong: readonly (readonly [string, Parameters<typeof answering>[1], number, string, RegExp])[] = [
    ['a page in HTML', '<!doctype html><html>', 200, 'text/html', /with an HTML page: correct nlp\.url$/],
    ['404', '{}', 404, 'application/json', /404 \(Not Found\): correct the path in nlp\.url/],
    [
      'another shape',
      '{"tokens":[]}',
      200,
      'application/json',
      /not of the agreed shape: .*correct nlp\.url and nlp\.protocol/,
    ],
    ['no JSON', 'fine', 200, 'text/plain', /it is not JSON; correct nlp\.url and nlp\.protocol/],
    ['401', '{}', 401, 'application/json', /401 \(Unauthorized\): set nlp\.bearerToken/],
    [
      '422',
      '{"detail":"no text"}',
      422,
      'application/json',
      /422.*: \{"detail":"no text"\}; it refuses a plain sample: correct nlp\.protocol/,
    ],
    ['500', '{}', 500, 'application/json', /look at the service's own log/],
    ['a redirect', '', 302, 'text/plain', /set nlp\.url to where it redirects to/],
  ]
  for (const [what, body, status, type, advice] of wrong) {
    it(`that answers with ${what} says what to change, in one line`, async (t) => {
      const lines = await checked(await answering(t, body, { status, type }))
      assert.equal(lines.length, 1)
      assert.match(lines[0] ?? '', /^FAIL/)
      assert.match(lines[0] ?? '', advice)
    })
  }

  it('that takes no more calls now is there: a warning', async (t) => {
    assert.match(
      (await checked(await answering(t, '{}', { status: 429 })))[0] ?? '',
      /^warn .*run check again$/,
    )
  })

  it('where nothing listens, the port is wrong', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await new Promise((resolve) => server.close(resolve))
    assert.match(
      (await checked(`http://127.0.0.1:${port}/`))[0] ?? '',
      /^FAIL .*ECONNREFUSED.*correct host and port in nlp\.url, or start/,
    )
  })

  it('that hangs is given up, and the time-out named', async (t) => {
    const url = await listen(t, () => undefined)
    assert.match(
      (await checked(url, { 'nlp.timeoutMs': 200 }))[0] ?? '',
      /^FAIL .*correct nlp\.url, or raise nlp\.timeoutMs$/,
    )
  })

  it('TLS against plain text, plain text against TLS, and an unknown CA are told apart', async (t) => {
    const authority = new CertificateAuthority()
    const identity = authority.issue({ commonName: 'nlp' })
    const secure = await listen(t, (_request, response) => void response.end('{"entities":[]}'), identity)
    const plain = await answering(t, '{"entities":[]}')
    const one = async (url: string) => (await checked(url))[0] ?? ''
    assert.match(await one(plain.replace('http:', 'https:')), /^FAIL .*may not speak TLS: check nlp\.url/)
    assert.match(await one(secure.replace('https:', 'http:')), /^FAIL .*begin nlp\.url with https:\/\/$/)
    assert.match(await one(secure), /^FAIL .*check nlp\.tls\.ca/)
  })
})
