import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript-6'
import { expect, it } from 'vitest'
import { ROOT } from '../kit/source-files.js'

interface PackageJson {
  exports: Record<string, string | Record<string, string>>
}

const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as PackageJson

/** The source of each subpath of the package, from where its declarations will be. */
const entries = Object.values(exports).flatMap((target) => {
  const types = typeof target === 'string' ? undefined : target.types
  return types === undefined ? [] : [join(ROOT, types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts'))]
})

const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile).config,
  ts.sys,
  ROOT,
)
const program = ts.createProgram(entries, options)
const checker = program.getTypeChecker()

const documented = (symbol: ts.Symbol) => symbol.getDocumentationComment(checker).length > 0

const ours = (symbol: ts.Symbol) =>
  symbol.declarations?.some(({ parent }) => parent.getSourceFile().fileName.startsWith(join(ROOT, 'src'))) ?? false

/** Where names alone do not say units, defaults and bounds. */
const EXPLAINED = /(Options|Limits|LiveSocket|LiveServer|Stats)$/

/** A public name, and the members of an interface that an application fills in or calls. */
function* visible(name: string, symbol: ts.Symbol): Generator<[name: string, symbol: ts.Symbol]> {
  yield [name, symbol]
  if (!(symbol.flags & ts.SymbolFlags.Interface) || !EXPLAINED.test(name)) return
  for (const member of checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)))
    if (ours(member)) yield [`${name}.${member.name.replace(/^__@(\w+)@\d+$/, '[Symbol.$1]')}`, member]
}

it('every public name says what it is, and so does every option, limit, figure and method', () => {
  const silent = entries.flatMap((entry) => {
    const file = program.getSourceFile(entry)
    const module = file && checker.getSymbolAtLocation(file)
    if (!module) throw new Error(`${entry} is named by package.json and is no module`)
    return checker.getExportsOfModule(module).flatMap((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      return [...visible(exported.name, symbol)]
        .filter(([, one]) => !documented(one))
        .map(([name]) => `${entry.slice(ROOT.length)}: ${name}`)
    })
  })
  expect([...new Set(silent)]).toEqual([])
})
