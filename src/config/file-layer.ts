import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type * as Yaml from 'yaml'
import type { Document, LineCounter, Node, Pair } from 'yaml'
import type { Problem } from './config-error.js'
import type { Given, Layer } from './layer.js'
import { nearest } from './nearest.js'
import { sections, settings } from './schema.js'

interface Reading {
  readonly file: string
  readonly document: Document
  readonly lines: LineCounter
  readonly given: Given[]
  readonly problems: Problem[]
}

/** Loaded with the first file: most are configured by their environment, and it takes 7 MiB. */
const yaml = () => createRequire(import.meta.url)('yaml') as typeof Yaml

/** The settings of one file, YAML or JSON (which is YAML, too). An empty file has none. */
export function fileLayer(file: string): Layer {
  const text = readText(file)
  if (typeof text !== 'string') return { given: [], problems: [text] }
  const { LineCounter, parseDocument } = yaml()
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const reading: Reading = { file, document, lines, given: [], problems: [] }
  const faults = [...document.errors, ...document.warnings]
  for (const { code, pos } of faults) {
    // Not the parser's message: it may quote a secret.
    const what = code === 'BLOCK_AS_IMPLICIT_KEY' ? 'a value with a colon wants quotes' : code
    reading.problems.push({ key: file, origin: at(reading, pos[0]), expected: `YAML or JSON (${what})` })
  }
  if (faults.length === 0) readMap(reading, document.contents, [])
  return reading
}

function readText(file: string): string | Problem {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'it failed'
    return { key: file, origin: '--config', expected: `a file that can be read (${reason})` }
  }
}

function readMap(reading: Reading, written: unknown, path: readonly string[]): void {
  const { isAlias, isMap, isScalar } = yaml()
  const node = isAlias(written) ? written.resolve(reading.document) : written
  if (node === null || (isScalar(node) && node.value === null)) return
  if (!isMap(node)) {
    const key = path.length === 0 ? reading.file : path.join('.')
    const origin = at(reading, offsetOf(node))
    reading.problems.push({ key, origin, expected: 'settings, one "name: value" a line' })
    return
  }
  for (const pair of node.items) readPair(reading, pair, path)
}

function readPair(reading: Reading, pair: Pair, path: readonly string[]): void {
  const { isMap, isScalar } = yaml()
  const name = isScalar(pair.key) ? String(pair.key.value) : '?'
  const key = [...path, name].join('.')
  const origin = at(reading, offsetOf(pair.key))
  if (name.includes('.')) {
    reading.problems.push({ key, origin, expected: 'names without dots, nested in one another' })
  } else if (sections.has(key)) {
    readMap(reading, pair.value, [...path, name])
  } else if (settings.has(key)) {
    readValue(reading, pair.value, { key, origin })
  } else if (isMap(pair.value) && pair.value.items.length > 0) {
    for (const inner of pair.value.items) readPair(reading, inner, [...path, name])
  } else {
    const known = nearest(key, settings.keys()) ?? ''
    reading.problems.push({ key, origin, expected: `a known setting; the nearest is ${known}` })
  }
}

function readValue(reading: Reading, node: unknown, place: Pick<Given, 'key' | 'origin'>): void {
  try {
    const raw: unknown = node === null ? null : (node as Node).toJS(reading.document)
    reading.given.push({ ...place, raw })
  } catch {
    // Not the parser's message, here too: it names the alias, and `*secret` without quotes is one.
    reading.problems.push({ ...place, expected: 'a value; an alias (*name) needs its anchor (&name)' })
  }
}

function offsetOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0
}

function at({ file, lines }: Reading, offset: number): string {
  return `${file}:${lines.linePos(offset).line}`
}
