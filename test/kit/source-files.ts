import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import { parseSync } from 'vite'

export const ROOT = join(import.meta.dirname, '..', '..')

interface Node {
  readonly type: string
  readonly [field: string]: unknown
}

export interface Import {
  readonly specifier: string
  /** The imported file below src/, where it is one of ours. */
  readonly file?: string
  /** It bears types alone, and is gone once compiled. */
  readonly typeOnly: boolean
}

export interface SourceFile {
  /** Below src/, with slashes: `legs/leg.ts`. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
  /** Something of it is left once compiled. */
  readonly hasCode: boolean
  /**
   * Every global that it uses, with the member: `setTimeout`, `Date.now`, `new WebSocket`, and `new Date()` where it is
   * given nothing.
   */
  readonly globals: ReadonlySet<string>
  readonly functions: readonly SourceFunction[]
}

/** A function, method or closure. */
export interface SourceFunction {
  /** Where it begins. */
  readonly line: number
  /** Less those of functions in it that have a reason of their own. */
  readonly lines: number
  /** What the comment right above it, or above one that it is in, says after `Long because`. */
  readonly reason?: string
}

export function listFiles(folder: string, ending: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => ending.test(path))
    .sort()
}

export function readSourceFiles(): SourceFile[] {
  const paths = listFiles('src', /\.tsx?$/)
  return paths.map((path) => readSourceFile(path, readFileSync(join(ROOT, 'src', path), 'utf8'), new Set(paths)))
}

export function readSourceFile(path: string, text: string, paths: ReadonlySet<string>): SourceFile {
  const { program, module, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`src/${path} cannot be parsed: ${errors[0]!.message}`)

  const found = [
    ...module.staticImports.map(({ moduleRequest, entries }) => ({
      specifier: moduleRequest.value,
      typeOnly: entries.length > 0 && entries.every(({ isType }) => isType),
    })),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest, isType }) =>
        moduleRequest ? [{ specifier: moduleRequest.value, typeOnly: isType }] : [],
      ),
    ),
    ...module.dynamicImports.map(({ moduleRequest }) => ({
      specifier: text.slice(moduleRequest.start, moduleRequest.end).replace(/^['"`]|['"`]$/g, ''),
      typeOnly: false,
    })),
  ]
  const imports = found.map(({ specifier, typeOnly }) => {
    if (!specifier.startsWith('.')) return { specifier, typeOnly }
    const target = posix.join(posix.dirname(path), specifier)
    const file = [target, target.replace(/\.js$/, '.ts'), target.replace(/\.jsx?$/, '.tsx')].find((one) =>
      paths.has(one),
    )
    return { specifier, typeOnly, file: file ?? target }
  })
  const body = (program as unknown as { body: Node[] }).body
  return {
    path,
    text,
    imports,
    hasCode: body.some(isCode),
    globals: globalsOf(body),
    functions: functionsOf(body, text),
  }
}

function isCode(statement: Node): boolean {
  if (statement.type === 'ImportDeclaration' || statement.type.startsWith('TS')) return false
  if (statement['exportKind'] === 'type' || statement['source']) return false
  const declaration = statement['declaration'] as Node | null | undefined
  return !declaration?.type.startsWith('TS')
}

/** The name `a.b.c` as it is written, without the window that it may be looked up in. */
function dotted(node: unknown): string | undefined {
  const { type, name, computed, object, property } = (node ?? {}) as Node
  if (type === 'Identifier') return name as string
  if (type !== 'MemberExpression' || computed) return undefined
  const owner = dotted(object)
  return owner && `${owner}.${dotted(property)}`.replace(/^(globalThis|window|self|global)\./, '')
}

const TYPES = new Set([
  'TSTypeQuery',
  'TSInterfaceDeclaration',
  'TSTypeAliasDeclaration',
  'TSTypeAnnotation',
  'TSTypeParameterInstantiation',
])

/** Names that stand for themselves: not a property of something else, not a key, not a type. */
function globalsOf(body: readonly Node[]): Set<string> {
  const globals = new Set<string>()
  function visit(node: unknown): void {
    if (Array.isArray(node)) return node.forEach(visit)
    if (typeof node !== 'object' || node === null) return
    const { type, key, ...fields } = node as Node
    if (TYPES.has(type)) return
    const name = dotted(node)
    if (name) globals.add(name)
    if (type === 'MemberExpression' && !fields['computed']) return visit(fields['object'])
    if (type === 'NewExpression') {
      const without = (fields['arguments'] as unknown[]).length === 0 ? '()' : ''
      globals.add(`new ${dotted(fields['callee'])}`).add(`new ${dotted(fields['callee'])}${without}`)
    }
    if (fields['computed']) visit(key)
    Object.values(fields).forEach(visit)
  }
  visit(body)
  return globals
}

function functionsOf(body: readonly Node[], text: string): SourceFunction[] {
  const lines = text.split('\n')
  const lineAt = (place: number) => text.slice(0, place).split('\n').length
  const functions: SourceFunction[] = []
  /** Gives how many lines in it are of functions that have a reason. */
  function visit(node: unknown, within: string | undefined): number {
    if (Array.isArray(node)) return node.reduce((sum: number, one) => sum + visit(one, within), 0)
    if (typeof node !== 'object' || node === null) return 0
    const { type, start, end, ...fields } = node as Node & { readonly start: number; readonly end: number }
    const isFunction = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(type)
    const line = isFunction ? lineAt(start) : 0
    const own = isFunction ? reasonAbove(lines, line) : undefined
    const excused = visit(Object.values(fields), own ?? within)
    if (!isFunction) return excused
    const all = lineAt(end) - line + 1
    const reason = own ?? within
    functions.push({ line, lines: all - excused, ...(reason && { reason }) })
    return own ? all : excused
  }
  visit(body, undefined)
  return functions
}

function reasonAbove(lines: readonly string[], line: number): string | undefined {
  let first = line - 1
  while (first > 0 && /^\s*(\/\/|\/?\*)/.test(lines[first - 1]!)) first--
  const comment = lines
    .slice(first, line - 1)
    .map((one) => one.replace(/^\s*(\/\/|\/?\*+\/?)|\*\/$/g, '').trim())
    .join(' ')
  return /Long because (\S.*)/.exec(comment)?.[1]
}
