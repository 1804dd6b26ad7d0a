import type { JsonSchema } from './format.js'
import { schema } from './schema.js'
import { isSetting, type Section, type Setting } from './setting.js'

/**
 * The JSON Schema (draft 2020-12) of a configuration file. Nothing is required in it, because the environment and other
 * files can add what is missing.
 */
export function configJsonSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of enrichd',
    ...sectionSchema(schema),
  }
}

/** A section may be there without a value, with all its lines commented out. */
function sectionSchema(section: Section): JsonSchema {
  const properties = Object.entries(section).map(([name, node]) => [
    name,
    isSetting(node) ? settingSchema(node) : sectionSchema(node),
  ])
  return {
    type: ['object', 'null'],
    additionalProperties: false,
    properties: Object.fromEntries(properties) as JsonSchema,
  }
}

function settingSchema(setting: Setting<unknown>): JsonSchema {
  const hasDefault = setting.requiredWhere === undefined && setting.defaultNote === undefined
  return {
    description: setting.doc,
    ...setting.type.jsonSchema,
    ...(hasDefault && setting.default !== undefined && { default: setting.default }),
    ...(setting.sensitive ? { writeOnly: true } : { examples: [setting.type.parse(setting.example)] }),
  }
}
