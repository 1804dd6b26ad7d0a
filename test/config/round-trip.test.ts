import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { settings, valueAt, variableOf } from '../../src/config/schema.js'
import type { Setting } from '../../src/config/setting.js'
import { fileLayer } from '../../src/config/file-layer.js'
import { environmentLayer } from '../../src/config/environment-layer.js'
import { renderConfig } from '../../src/config/render-config.js'
import { loadConfig } from '../../src/config/load.js'
import { load, withFiles } from './minimal.js'

interface NumberSchema {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly oneOf?: readonly NumberSchema[]
}

/** Values that the setting takes: any within its range where the range is all there is to it, else its example. */
function valuesOf(setting: Setting<unknown>): fc.Arbitrary<unknown> {
  const schema = setting.type.jsonSchema as NumberSchema
  const { type, minimum: min = 0, maximum: max = 0 } = schema.oneOf?.[0] ?? schema
  if (type === 'integer') return fc.integer({ min, max })
  if (type === 'number') return fc.integer({ min: min * 4, max: max * 4 }).map((quarters) => quarters / 4)
  if (type === 'boolean') return fc.boolean()
  if (schema.enum) return fc.constantFrom(...schema.enum)
  const examples = [setting.type.parse(setting.example), setting.default]
  return fc.constantFrom(...examples.filter((value) => setting.type.accept(value).ok))
}

/** As an operator would write it into a variable. */
function written(value: unknown): string {
  if (Array.isArray(value))
    return value.some((item) => String(item).includes(',')) ? JSON.stringify(value) : value.join(',')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

test('every value survives its variable, its variable ending in _FILE, and a file', () => {
  for (const [key, setting] of settings) {
    fc.assert(
      fc.property(valuesOf(setting), (value) => {
        const accepted = setting.type.accept(value)
        assert.equal(accepted.ok, true, `${key}: ${JSON.stringify(value)}`)
        const text = written(value)
        const [section = '', ...names] = key.split('.')
        const nested = names.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)
        withFiles({ text: `${text}\n`, 'a.json': JSON.stringify({ [section]: nested }) }, (paths) => {
          const layers = [
            environmentLayer({ [variableOf(key)]: text }),
            environmentLayer({ [`${variableOf(key)}_FILE`]: paths.text }),
            fileLayer(paths['a.json']),
          ]
          for (const { given, problems } of layers) {
            assert.deepEqual(problems, [])
            assert.deepEqual(
              given.map((one) => [one.key, setting.type.accept(one.raw)]),
              [[key, accepted]],
            )
          }
        })
      }),
      { numRuns: 10 },
    )
  }
})

test('every default and every example is taken by its own format', () => {
  for (const [key, setting] of settings) {
    const example = setting.type.parse(setting.example)
    const pem = setting.example.startsWith('-----BEGIN')
    assert.equal(setting.type.accept(example).ok, true, `${key}: example`)
    assert.doesNotThrow(() => {
      setting.format(setting.default)
    }, key)
    assert.equal(pem || !setting.example.includes('\n'), true, key)
  }
})

test('the printed configuration, read as a file, is the same configuration', () => {
  const printed = load({ 'kafka.topics': '["/a{1,2}/"]', 'nlp.http.path': '/a?b="c"', 'log.level': 'warn' })
  withFiles({ 'printed.yaml': renderConfig(printed) }, (paths) => {
    const { config } = printed
    const again = loadConfig({ files: [paths['printed.yaml']] }).config
    for (const key of settings.keys()) assert.deepEqual(valueAt(again, key), valueAt(config, key), key)
  })
})
