import { configJsonSchema } from '../config/json-schema.js'
import { referenceMarkdown } from '../config/reference.js'
import { renderConfig } from '../config/render-config.js'
import { exitCodes, type Command, type CommandContext } from './command.js'
import { UsageError } from './usage-error.js'

export const config: Command = {
  name: 'config',
  summary: 'the effective configuration with the origin of each value, secrets masked',
  options: {
    docs: { type: 'boolean', doc: 'the reference of all settings instead, as Markdown' },
    schema: { type: 'boolean', doc: 'a JSON Schema of configuration files instead' },
  },
  run(context) {
    context.stdout.write(textFor(context))
    return Promise.resolve(exitCodes.ok)
  },
}

function textFor({ options, loadConfig }: CommandContext): string {
  if (options['docs'] && options['schema']) throw new UsageError('--docs and --schema exclude each other')
  if (options['docs']) return referenceMarkdown()
  if (options['schema']) return `${JSON.stringify(configJsonSchema(), null, 2)}\n`
  return renderConfig(loadConfig())
}
