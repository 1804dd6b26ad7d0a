import { readFileSync } from 'node:fs'
import type { Problem } from './config-error.js'
import type { Given, Layer } from './layer.js'
import { nearest } from './nearest.js'
import { settings, variableOf } from './schema.js'
import { isServiceLink } from './service-links.js'

export type Environment = Readonly<Record<string, string | undefined>>

const prefix = 'ENRICHD_'
const fileSuffix = '_FILE'
const keyOfVariable: ReadonlyMap<string, string> = new Map(
  [...settings.keys()].map((key) => [variableOf(key), key]),
)

/**
 * The settings of the variables that begin with `ENRICHD_`. One that ends in `_FILE` names a file that holds the value; one
 * line end at its end is cut off.
 */
export function environmentLayer(environment: Environment): Layer {
  const given: Given[] = []
  const problems: Problem[] = []
  for (const [variable, value] of Object.entries(environment)) {
    if (value === undefined || !variable.startsWith(prefix) || isServiceLink(variable, value)) continue
    const found = readVariable(variable, value, environment)
    if ('expected' in found) problems.push(found)
    else given.push(found)
  }
  return { given, problems }
}

function readVariable(variable: string, value: string, environment: Environment): Given | Problem {
  const key = keyOfVariable.get(variable)
  if (key !== undefined) return givenText(key, variable, value)
  const base = variable.endsWith(fileSuffix) ? variable.slice(0, -fileSuffix.length) : variable
  const keyOfFile = base === variable ? undefined : keyOfVariable.get(base)
  if (keyOfFile === undefined) {
    const candidates = [...keyOfVariable.keys()].map((name) => (base === variable ? name : name + fileSuffix))
    const known = nearest(variable, candidates) ?? ''
    return { key: variable, origin: 'environment', expected: `a known variable; the nearest is ${known}` }
  }
  if (environment[base] !== undefined) {
    return { key: keyOfFile, origin: variable, expected: `one of ${base} and ${variable}, not both` }
  }
  return readValueFile(keyOfFile, variable, value)
}

function readValueFile(key: string, variable: string, file: string): Given | Problem {
  try {
    return givenText(key, variable, readFileSync(file, 'utf8').replace(/\r?\n$/, ''))
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'it failed'
    return { key, origin: variable, expected: `the path of a file that can be read (${reason})` }
  }
}

function givenText(key: string, origin: string, text: string): Given {
  return { key, origin, raw: settings.get(key)?.type.parse(text) }
}
