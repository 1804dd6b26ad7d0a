import type { TemplateView } from './elasticsearch-admin.js'

/** The fixed text that an `elasticsearch.index` begins with, up to its first placeholder. */
export function fixedPrefix(template: string): string {
  return template.split('{', 1)[0] ?? ''
}

/** The pattern of all names that an `elasticsearch.index` can give: `enrichd-logs-*`, or the name itself. */
export function patternOf(template: string): string {
  return template.includes('{') ? `${fixedPrefix(template)}*` : template
}

/** Whether a name matches a pattern of Elasticsearch, in which only `*` stands for anything. */
export function matchesPattern(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(name)
}

/** The template that decides what a new index of this name becomes: the one of the highest priority that matches. */
export function templateFor(name: string, templates: readonly TemplateView[]): TemplateView | undefined {
  return templates
    .filter(({ patterns }) => patterns.some((pattern) => matchesPattern(pattern, name)))
    .reduce<TemplateView | undefined>(
      (best, each) => (best === undefined || each.priority > best.priority ? each : best),
      undefined,
    )
}

/** Whether `action.auto_create_index` lets an index of this name come into being by a write. */
export function mayAutoCreate(name: string, setting: string): boolean {
  if (setting === 'true' || setting === 'false') return setting === 'true'
  for (const entry of setting.split(',').map((each) => each.trim())) {
    const pattern = entry.replace(/^[+-]/, '')
    if (matchesPattern(pattern, name)) return !entry.startsWith('-')
  }
  return false
}
