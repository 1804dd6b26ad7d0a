import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { loadConfig } from '../../src/config/load.js'
import { referenceMarkdown } from '../../src/config/reference.js'
import { renderConfig } from '../../src/config/render-config.js'
import { settings, variableOf } from '../../src/config/schema.js'
import { complaints, load, minimalEnvironment, withFiles } from './minimal.js'

const secretKeys = [...settings].filter(([, setting]) => setting.sensitive).map(([key]) => key)
const canary = 'canary-7f3a'

/** What loading says, in every form in which it could reach a log. */
function everythingSaid(run: () => unknown): string {
  try {
    run()
    return ''
  } catch (error) {
    const { message, stack } = error as Error
    return [message, stack, JSON.stringify(error), String(error)].join('\n')
  }
}

describe('secrets', () => {
  test('every credential of the contract is one', () => {
    const expected = [
      ...['kafka.tls.key', 'kafka.tls.passphrase', 'kafka.sasl.username', 'kafka.sasl.password'],
      ...['nlp.headers', 'nlp.bearerToken', 'nlp.tls.key', 'nlp.tls.passphrase'],
      ...['apiKey', 'username', 'password', 'tls.key', 'tls.passphrase'].map(
        (name) => `elasticsearch.${name}`,
      ),
    ]
    assert.deepEqual(secretKeys, expected)
  })

  test('valid ones are masked in the effective configuration', () => {
    const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')
    const [cert, key] = [fixture('cert.pem'), fixture('encrypted-key.pem')]
    const tls = { cert, key, passphrase: 'canary-passphrase' }
    const all = (section: string, values: Readonly<Record<string, string>>) =>
      Object.fromEntries(Object.entries(values).map(([name, value]) => [`${section}.${name}`, value]))
    const rendered = renderConfig(
      load({
        'nlp.url': 'https://a/?api_key=canary-in-query',
        'elasticsearch.nodes': 'https://b',
        'kafka.tls.enabled': 'true',
        ...all('kafka.tls', tls),
        ...all('nlp.tls', tls),
        ...all('elasticsearch.tls', tls),
        ...all('kafka.sasl', { mechanism: 'plain', username: canary, password: canary }),
        ...all('elasticsearch', { username: canary, password: canary }),
        ...all('nlp', { bearerToken: canary, headers: JSON.stringify({ 'X-Key': canary, [canary]: 'x' }) }),
      }),
    )
    assert.doesNotMatch(rendered, /canary/)
    assert.equal(rendered.includes(key.split('\n')[1] ?? ''), false)
    assert.equal(rendered.match(/"\*\*\*" {2}# --set/g)?.length, secretKeys.length - 1)
    const apiKey = renderConfig(load({ 'elasticsearch.apiKey': canary }))
    assert.match(apiKey, /^ {2}apiKey: "\*\*\*" {2}# --set$/m)
  })

  test('wrong ones are masked in errors, wherever they come from', () => {
    for (const key of secretKeys) {
      const wrong = `${canary} \n\u0000`
      const set = [[key, wrong]] as const
      assert.doesNotMatch(
        everythingSaid(() => loadConfig({ set })),
        /canary/,
        key,
      )
      const environment = { ...minimalEnvironment, [variableOf(key)]: wrong }
      assert.doesNotMatch(
        everythingSaid(() => loadConfig({ environment })),
        /canary/,
        key,
      )
      const [section = '', ...names] = key.split('.')
      const nested = names.reduceRight<unknown>((value, name) => ({ [name]: value }), [canary])
      withFiles({ 'a.json': JSON.stringify({ [section]: nested }) }, (paths) => {
        assert.doesNotMatch(
          everythingSaid(() => loadConfig({ files: [paths['a.json']] })),
          /canary/,
          key,
        )
      })
      withFiles({ secret: wrong }, ({ secret }) => {
        const fromFile = { [`${variableOf(key)}_FILE`]: secret }
        assert.doesNotMatch(
          everythingSaid(() => loadConfig({ environment: fromFile })),
          /canary/,
          key,
        )
      })
    }
  })

  test('a secret under a misspelt name, in the wrong place or in broken YAML is not quoted', () => {
    const texts = [
      `kafka:\n  sasl:\n    pasword: ${canary}\n`,
      `kafka:\n  sasl: ${canary}\n`,
      `nlp:\n  bearerToken: *${canary}\n`,
      `nlp:\n  bearerToken: !${canary} x\n`,
      `nlp:\n  bearerToken: "${canary}\n`,
      `nlp: {bearerToken: ${canary}: b: c}\n`,
      `${canary}\n`,
    ]
    for (const text of texts) {
      withFiles({ 'a.yaml': text }, (paths) => {
        const said = everythingSaid(() => load({}, { files: [paths['a.yaml']] }))
        assert.match(said, /a\.yaml/)
        assert.doesNotMatch(said, /canary/, text)
      })
    }
    const environment = { ENRICHD_KAFKA_SASL_PASWORD: canary }
    assert.doesNotMatch(
      everythingSaid(() => load({ 'nlp.bearer': canary }, { environment })),
      /canary/,
    )
  })

  test('user and password in an address are refused and masked', () => {
    for (const key of ['nlp.url', 'elasticsearch.nodes']) {
      const said = everythingSaid(() => load({ [key]: `https://${canary}:${canary}@host/` }))
      assert.match(said, /https:\/\/\*\*\*@host/)
      assert.doesNotMatch(said, /canary/)
    }
  })

  test('a private key that was put where a certificate belongs is not printed', () => {
    const environment = { ENRICHD_KAFKA_TLS_CA: `-----BEGIN PRIVATE KEY-----\n${canary}\n` }
    assert.doesNotMatch(
      everythingSaid(() => load({}, { environment })),
      /canary/,
    )
  })

  test('the mask itself is no secret, so that a printed configuration is not used by accident', () => {
    assert.deepEqual(complaints({ 'nlp.bearerToken': '***' }), ['nlp.bearerToken'])
  })

  test('the reference holds no secret, only examples', () => {
    assert.match(referenceMarkdown(), /\*\*Secret\.\*\*/)
  })
})
