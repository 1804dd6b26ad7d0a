import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Instruction {
  readonly keyword: string
  readonly rest: string
  /** Which `FROM` it stands behind, counted from 0; -1 before the first. */
  readonly stage: number
}

/** The instructions of the Dockerfile: comments are left out, continued lines are joined. */
export function dockerfile(): readonly Instruction[] {
  const text = readFileSync(`${root}/Dockerfile`, 'utf8')
  const joined = text.replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, ' ')
  let stage = -1
  return joined
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, keyword = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line.trim()) ?? []
      if (keyword === 'FROM') stage++
      return { keyword, rest, stage }
    })
}

/** The instructions of the last stage, which make the image. */
export function imageInstructions(): readonly Instruction[] {
  const all = dockerfile()
  return all.filter(({ stage }) => stage === all.at(-1)?.stage)
}

/** The one instruction of that keyword in the image. @throws Error if there is none, or another one */
export function imageInstruction(keyword: string): string {
  const found = imageInstructions().filter((instruction) => instruction.keyword === keyword)
  if (found.length !== 1) throw new Error(`the image has ${found.length} ${keyword}`)
  return found[0]!.rest
}

/** What the image's environment is. */
export function imageEnvironment(): Readonly<Record<string, string>> {
  const pairs = imageInstruction('ENV').split(/\s+/)
  return Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string]))
}
