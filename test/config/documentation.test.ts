import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import { configJsonSchema } from '../../src/config/json-schema.js'
import { loadConfig } from '../../src/config/load.js'
import { referenceMarkdown } from '../../src/config/reference.js'
import { settings, variableOf } from '../../src/config/schema.js'
import { withFiles } from './minimal.js'

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const read = (name: string) => readFileSync(path(name), 'utf8')

describe('the reference', () => {
  test('docs/configuration.md is current (npm run docs writes it)', () => {
    assert.equal(read('docs/configuration.md'), referenceMarkdown())
  })

  test('it has a row for every setting and its variable', () => {
    const reference = referenceMarkdown()
    for (const key of settings.keys()) {
      assert.equal(reference.split(`| \`${key}\`<br>\`${variableOf(key)}\` |`).length, 2, key)
    }
  })
})

describe('the JSON Schema', () => {
  const validate = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true }).compile(
    configJsonSchema(),
  )

  test('takes the files under config/', () => {
    for (const name of ['config/enrichd.yaml', 'config/production.yaml']) {
      assert.equal(validate(parse(read(name))), true, JSON.stringify(validate.errors))
    }
  })

  test('refuses unknown keys and values out of range, as loading does', () => {
    const wrong: unknown[] = [
      { nlp: { concurrency: 1 } },
      { unknown: {} },
      { nlp: { maxConcurrency: 0 } },
      { nlp: { adaptive: 'yes' } },
      { log: { level: 'loud' } },
      { kafka: { brokers: 'a:1' } },
      { elasticsearch: { batchBytes: '5MB' } },
    ]
    for (const value of wrong) assert.equal(validate(value), false, JSON.stringify(value))
  })

  test('takes every default and example that loading takes', () => {
    for (const [key, setting] of settings) {
      const [section = '', ...names] = key.split('.')
      const value = setting.type.parse(setting.example)
      const nested = names.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)
      assert.equal(validate({ [section]: nested }), true, `${key} ${JSON.stringify(validate.errors)}`)
    }
  })
})

describe('the files that users copy', () => {
  test('config/enrichd.yaml loads as it is', () => {
    const { config } = loadConfig({ files: [path('config/enrichd.yaml')] })
    assert.equal(config.nlp.url, 'embedded:')
    assert.deepEqual(config.kafka.topics, ['logs'])
  })

  test('config/production.yaml loads with the variables of config/production.env', () => {
    const variables = read('config/production.env')
      .split('\n')
      .filter((line) => line.startsWith('ENRICHD_'))
      .map((line) => line.split('=') as [string, string])
    const certificate = readFileSync(new URL('fixtures/cert.pem', import.meta.url), 'utf8')
    withFiles({ 'a.pem': certificate, secret: 'faked\n' }, (paths) => {
      const environment = variables.map(([name, value]) => [
        name,
        name.endsWith('_FILE') ? paths[value.endsWith('.pem') ? 'a.pem' : 'secret'] : value,
      ])
      const { config } = loadConfig({
        files: [path('config/production.yaml')],
        environment: Object.fromEntries(environment) as Record<string, string>,
      })
      assert.equal(config.kafka.sasl.password, 'faked')
      assert.equal(config.elasticsearch.apiKey, 'faked')
      assert.equal(config.pipeline.maxBufferedBytes, 128 * 1024 * 1024)
    })
  })
})
