import { settings, variableOf, type Config } from './schema.js'
import type { Requirement, Setting } from './setting.js'

const introductions: Readonly<Record<keyof Config, string>> = {
  kafka:
    'Where records are read from. Offsets out of range (retention overtook the group) are logged as an error and counted, and reading goes on from the earliest record.',
  source: 'Kafka, or a file or standard input in its place.',
  decode: 'From bytes to a log record.',
  pipeline: 'What holds between all stages.',
  nlp: 'The service that analyses each text.',
  elasticsearch: 'Where documents are written to.',
  sink: 'Elasticsearch, or a file or standard output in its place.',
  deadLetter: 'Where records go that can be neither decoded, analysed nor written.',
  admin: 'Health, metrics and the status page. Nothing can be changed over this port.',
  log: 'What is logged.',
}

const head = `# Configuration

<!-- Generated from src/config/ by "npm run docs"; a test checks that it is current. -->

Defaults < files < environment < \`--set\`: what comes later wins.

- **Files**: \`--config FILE\`, repeatable, YAML or JSON. \`enrichd config --schema\` prints a JSON Schema for editors.
- **Environment**: every setting has one variable, named below. Lists are comma-separated (or a JSON array, where an item holds
  a comma). The same name with \`_FILE\` behind it reads the value from a file, which is how secrets and certificates come in; one
  line end at the file's end is cut off. An unknown \`ENRICHD_\` variable is an error, except the service links that Kubernetes injects.
- **\`--set key=value\`**, repeatable, written as in a variable. Not for secrets: other users of the machine see arguments.

Everything that is wrong is reported at once, and the exit code is 78. \`enrichd config\` prints the effective configuration with the
origin of each value, secrets masked. Durations end in \`Ms\` and are milliseconds; sizes end in \`Bytes\` and may be written with
\`KiB\`, \`MiB\` or \`GiB\`; booleans are \`true\` or \`false\` and nothing else. Texts that are **secret** are never printed.
`

/** The reference of all settings, as Markdown. */
export function referenceMarkdown(): string {
  const parts = Object.entries(introductions).map(([section, introduction]) => {
    const rows = [...settings].filter(([key]) => key.startsWith(`${section}.`)).map(row)
    return [
      `## ${section}\n\n${introduction}\n`,
      '| setting, variable | default | values | what it does |\n|---|---|---|---|',
      ...rows,
    ].join('\n')
  })
  return [head, ...parts.map((part) => `${part}\n`)].join('\n')
}

function row([key, setting]: [string, Setting<unknown>]): string {
  const values = setting.type.expected.replace(/^one of /, '')
  const secret = setting.sensitive ? '**Secret.** ' : ''
  const example = setting.example.includes('\n') ? '' : ` For example ${code(setting.example)}.`
  const cells = [
    `\`${key}\`<br>\`${variableOf(key)}\``,
    defaultOf(setting),
    values,
    `${secret}${setting.doc}${example}`,
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function code(text: string): string {
  return `\`${text}\``
}

function defaultOf(setting: Setting<unknown>): string {
  const { requiredWhere, defaultNote } = setting
  if (requiredWhere !== undefined) return requirement(requiredWhere)
  if (defaultNote !== undefined) return defaultNote
  if (setting.default === undefined) return 'none'
  if (Array.isArray(setting.default)) {
    return setting.default.length === 0 ? 'empty' : code(setting.default.join(','))
  }
  const text = typeof setting.default === 'string' ? setting.default : JSON.stringify(setting.default)
  return code(text)
}

function requirement(where: Requirement): string {
  if (where === 'always') return '**required**'
  const conditions = where.map(([key, value]) => `\`${key}\` is \`${value}\``)
  return `**required** where ${conditions.join(' or ')}`
}
