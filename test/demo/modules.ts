/** The demo's modules run before anything is installed or compiled: plain JavaScript, whose types are written down here. */
interface Look {
  readonly width: number
  readonly blocks: boolean
}

interface Charts {
  bar(options: Look & { readonly done?: number; readonly tick?: number }): string
  sparkline(values: readonly number[], options: { readonly most: number; readonly blocks: boolean }): string
  chart(
    options: Look & {
      readonly series: Readonly<Record<string, readonly number[]>>
      readonly from: string
      readonly to: string
    },
  ): string[]
  table(
    options: Look & {
      readonly rows: readonly { readonly name: string; readonly count: number; readonly note?: string }[]
    },
  ): string[]
  formatDocument(value: unknown, width: number): string
}

interface Screen {
  readonly live: (text: (width: number) => string) => void
  readonly endLive: () => void
  readonly heading: (text: string) => void
  readonly say: (text: string) => void
  readonly item: (name: string, text: string) => void
  readonly blocks: boolean
}

interface Screens {
  createScreen(options: {
    readonly stream: unknown
    readonly env: Readonly<Record<string, string>>
    readonly platform?: string
  }): Screen
  wrap(text: string, width: number): string[]
}

interface Generator {
  generateLogs(options: {
    readonly seed: number
    readonly endMs: number
    readonly records: number
  }): { readonly key: string; readonly value: string }[][]
}

type Probe = () => Promise<string | undefined>

interface StackChoice {
  stacksToTry(options: {
    readonly wanted?: string
    readonly java?: Probe
    readonly docker?: Probe
  }): AsyncIterable<{ readonly kind: string; readonly why: string }>
}

interface View {
  readonly total: number
  readonly severities: readonly { readonly name: string; readonly count: number }[]
  readonly entities: readonly { readonly name: string; readonly count: number; readonly note: string }[]
  readonly errors: Readonly<Record<string, readonly number[]>>
  readonly documents: readonly object[]
}

interface Views {
  documentsView(documents: readonly object[], span: { readonly fromMs: number; readonly toMs: number }): View
}

interface Programs {
  plainEnvironment(environment: Readonly<Record<string, string>>): Readonly<Record<string, string>>
}

async function load(name: string): Promise<unknown> {
  return import(new URL(`../../scripts/demo/${name}.mjs`, import.meta.url).href)
}

export const charts = (await load('charts')) as Charts
export const screens = (await load('screen')) as Screens
export const generator = (await load('generate-logs')) as Generator
export const stackChoice = (await load('choose-stack')) as StackChoice
export const views = (await load('index-view')) as Views
export const programs = (await load('program')) as Programs
