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
  /** The imported file below src/, if the import is relative. */
  readonly file?: string
  /** The import has only types, and does not exist in compiled code. */
  readonly typeOnly: boolean
}

export interface SourceFile {
  /** The path below src/, with slashes: `legs/leg.ts`. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
  /** Whether the file has code after compilation. */
  readonly hasCode: boolean
  /**
   * Every global that the file uses, with its member: `setTimeout`, `Date.now`, `new WebSocket`, and `new Date()`
   * without arguments.
   */
  readonly globals: ReadonlySet<string>
  readonly functions: readonly SourceFunction[]
}

/** A function, method or closure. */
export interface SourceFunction {
  /** The line on which the function begins. */
  readonly line: number
  /** The number of lines, without inner functions that have a reason of their own. */
  readonly lines: number
  /** The text after `Long because` in the comment directly above the function, or above one that contains it. */
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

/** The name `a.b.c` as it is written, without a leading `window`. */
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

/** Identifiers that are neither a property, a key nor a type. */
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
  /** Returns how many of its lines belong to functions with a reason. */
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
