import type { Lab, LabOptions } from './lab.js'

/** What a record of the load is, by whoever refuses it. */
export type Poison = 'good' | 'undecodable' | 'nlp-rejected' | 'document-rejected'

/** A load in which some records are bad, and the NLP service that refuses its part of them. */
export function poisonedLab(
  count: number,
  kindOf: (n: number) => Poison,
): Required<Pick<LabOptions, 'load' | 'nlp' | 'settings'>> {
  const valueOf = (n: number, message: string): string | Buffer => {
    const kind = kindOf(n)
    if (kind === 'undecodable') return Buffer.from([0xff, 0xfe, n & 0xff])
    return JSON.stringify({ message, status: kind === 'document-rejected' ? { code: n } : n })
  }
  return {
    load: { count, value: valueOf, text: (n) => `record ${n} is ${kindOf(n)}` },
    nlp: { script: ([text]) => (text?.endsWith('nlp-rejected') === true ? { status: 422 } : undefined) },
    settings: { 'decode.format': 'json' },
  }
}

/** Makes the index that refuses its part of them. */
export async function createRefusingIndex({ es, checker }: Lab): Promise<void> {
  await es.createIndex(checker.index, { mappings: { properties: { status: { type: 'long' } } } })
}
