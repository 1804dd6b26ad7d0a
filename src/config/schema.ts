import { elasticsearchSection } from './sections/elasticsearch.js'
import {
  deadLetterSection,
  decodeSection,
  pipelineSection,
  sinkSection,
  sourceSection,
} from './sections/flow.js'
import { kafkaSection } from './sections/kafka.js'
import { nlpSection } from './sections/nlp.js'
import { adminSection, logSection } from './sections/operation.js'
import { isSetting, type Section, type Setting, type ValuesOf } from './setting.js'

/**
 * Every setting there is. Defaults, checks, types, variables, documentation, the JSON Schema and what is masked are all
 * derived from it. It is a convict schema; `Setting` says what its leaves carry beyond that.
 */
export const schema = {
  kafka: kafkaSection,
  source: sourceSection,
  decode: decodeSection,
  pipeline: pipelineSection,
  nlp: nlpSection,
  elasticsearch: elasticsearchSection,
  sink: sinkSection,
  deadLetter: deadLetterSection,
  admin: adminSection,
  log: logSection,
}

/** The effective configuration: `config.nlp.maxConcurrency`. Settings without a value are `undefined`. */
export type Config = ValuesOf<typeof schema>

/** Every setting by its key (`nlp.maxConcurrency`), in the order of the schema. */
export const settings: ReadonlyMap<string, Setting<unknown>> = new Map(flatten(schema, []))

function* flatten(section: Section, path: readonly string[]): Generator<[string, Setting<unknown>]> {
  for (const [name, node] of Object.entries(section)) {
    const here = [...path, name]
    if (isSetting(node)) yield [here.join('.'), node]
    else yield* flatten(node, here)
  }
}

/** Keys that hold settings but no value: `nlp`, `nlp.retry`, …. */
export const sections: ReadonlySet<string> = new Set(
  [...settings.keys()].flatMap((key) => {
    const path = key.split('.')
    return path.slice(0, -1).map((_, depth) => path.slice(0, depth + 1).join('.'))
  }),
)

/** The variable of a key: `nlp.maxConcurrency` → `ENRICHD_NLP_MAX_CONCURRENCY`. */
export function variableOf(key: string): string {
  const words = key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll('.', '_')
  return `ENRICHD_${words.toUpperCase()}`
}

/** The value of one key. */
export function valueAt(config: Config, key: string): unknown {
  return key.split('.').reduce<unknown>((at, name) => (at as Readonly<Record<string, unknown>>)[name], config)
}
