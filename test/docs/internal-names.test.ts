import { join } from 'node:path'
import ts from 'typescript-6'
import { expect, it } from 'vitest'
import { entries } from '../../build/entries.js'
import { INTERNAL_NAMES } from '../../build/internal-names.js'
import { SHORT_NAMES } from '../../build/short-names.js'
import { ROOT } from '../kit/source-files.js'

const SRC = join(ROOT, 'src/')

/** What these make or read leaves the page: to servers, into files, and to other tabs, which may run another release. */
const TOLD_OUTSIDE = /^(protocol\/|presets\/|devtools\/|policy\/token-(news|schedule)\.ts)/

const pages = entries.filter(({ ofPages }) => ofPages).map(({ source }) => source)
const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile).config,
  ts.sys,
  ROOT,
)
const program = ts.createProgram(pages, options)
const checker = program.getTypeChecker()
const ofPackage = (node: ts.Node) => node.getSourceFile().fileName.startsWith(SRC)

/** The name that this node gives a member, if it is one that is not private to a class by `#`. */
function memberName(node: ts.Node): string | undefined {
  const names =
    ts.isTypeElement(node) || ts.isClassElement(node) || ts.isObjectLiteralElement(node) || ts.isBindingElement(node)
  if (!names) return undefined
  const name = ts.isBindingElement(node) ? (node.propertyName ?? node.name) : node.name
  return name && (ts.isIdentifier(name) || ts.isStringLiteralLike(name)) ? name.text : undefined
}

/** Every member that the public types of pages reach. */
function publicNames(): Set<string> {
  const names = new Set<string>()
  const seen = new Set<ts.Node | ts.Type>()
  const visitSymbol = (symbol: ts.Symbol | undefined) => {
    if (!symbol) return
    const meant = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
    for (const declaration of meant.declarations ?? []) if (ofPackage(declaration)) visit(declaration)
  }
  const visitType = (type: ts.Type) => {
    if (seen.has(type)) return
    seen.add(type)
    visitSymbol(type.aliasSymbol)
    visitSymbol(type.symbol)
    if (type.isUnionOrIntersection()) type.types.forEach(visitType)
    const parts = [...(type.aliasTypeArguments ?? []), ...(checker.getTypeArguments(type as ts.TypeReference) ?? [])]
    parts.forEach(visitType)
  }
  /** Of functions and values the type alone counts; where it is not written it is inferred. */
  const isCode = (node: ts.Node) =>
    ts.isBlock(node) ||
    (ts.isExpression(node) && !ts.isObjectLiteralExpression(node) && !ts.isExpressionWithTypeArguments(node))
  const visit = (node: ts.Node) => {
    if (seen.has(node)) return
    seen.add(node)
    const name = memberName(node)
    if (name !== undefined) names.add(name)
    if (ts.isTypeReferenceNode(node)) visitSymbol(checker.getSymbolAtLocation(node.typeName))
    if (ts.isExpressionWithTypeArguments(node)) visitSymbol(checker.getSymbolAtLocation(node.expression))
    if (ts.isTypeQueryNode(node)) visitSymbol(checker.getSymbolAtLocation(node.exprName))
    if (ts.isFunctionLike(node) && !node.type) {
      const signature = checker.getSignatureFromDeclaration(node)
      if (signature) visitType(checker.getReturnTypeOfSignature(signature))
    }
    const valued = ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node) || ts.isPropertyAssignment(node)
    if (valued && !('type' in node && node.type)) visitType(checker.getTypeAtLocation(node))
    ts.forEachChild(node, (child) => {
      if (!isCode(child)) visit(child)
    })
  }
  for (const source of pages) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(source)!)!
    for (const exported of checker.getExportsOfModule(module)) visitSymbol(exported)
  }
  return names
}

const typesOf = (type: ts.Type) => (type.isUnion() ? type.types : [type])
const isOurs = (symbol: ts.Symbol) => (symbol.declarations ?? []).every(ofPackage)

/** What a node of our files shows to be known outside: members that are looked up by a text, or that somebody else has declared. */
function knownOutside(node: ts.Node): readonly string[] {
  const foreign = (symbols: readonly (ts.Symbol | undefined)[]) =>
    symbols.flatMap((symbol) => (symbol && !isOurs(symbol) ? [symbol.name] : []))
  // `any` says nothing of whose it is.
  if (ts.isPropertyAccessExpression(node)) {
    const symbol = checker.getSymbolAtLocation(node.name)
    return symbol ? foreign([symbol]) : [node.name.text]
  }
  if (ts.isElementAccessExpression(node) || ts.isComputedPropertyName(node)) {
    const key = ts.isComputedPropertyName(node) ? node.expression : node.argumentExpression
    return typesOf(checker.getTypeAtLocation(key)).flatMap((type) => {
      if (type.isStringLiteral()) return [type.value]
      if (!(type.flags & ts.TypeFlags.StringLike) || ts.isComputedPropertyName(node)) return []
      const of = checker.getNonNullableType(checker.getTypeAtLocation(node.expression))
      return checker.getPropertiesOfType(of).map(({ name }) => name)
    })
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.InKeyword)
    return ts.isStringLiteralLike(node.left) ? [node.left.text] : []
  if (ts.isObjectLiteralExpression(node)) {
    const names = node.properties.flatMap((property) => memberName(property) ?? [])
    const wanted = checker.getContextualType(node)
    return typesOf(wanted ?? checker.getTypeAtLocation(node)).flatMap((type) =>
      wanted && checker.getIndexInfoOfType(type, ts.IndexKind.String)
        ? names
        : foreign(names.map((name) => checker.getPropertyOfType(type, name))),
    )
  }
  if (ts.isObjectBindingPattern(node)) {
    const type = checker.getNonNullableType(checker.getTypeAtLocation(node))
    return node.elements.flatMap((element) => {
      const name = memberName(element)
      if (name === undefined || element.dotDotDotToken) return []
      const found = typesOf(type).flatMap((one) => checker.getPropertyOfType(one, name) ?? [])
      return found.length > 0 ? foreign(found) : [name]
    })
  }
  // Who claims to be what somebody else has declared, and who says of such a thing what else it has.
  if (ts.isExpressionWithTypeArguments(node) || ts.isAsExpression(node)) {
    const type = checker.getTypeAtLocation(node)
    const whole = checker.getPropertiesOfType(type)
    if (ts.isAsExpression(node)) {
      const from = checker.getTypeAtLocation(node.expression)
      const { symbol } = from
      return symbol && isOurs(symbol) ? [] : whole.flatMap((member) => [member.name, ...partsOf(member, node)])
    }
    return foreign(whole)
  }
  return []
}

function partsOf(member: ts.Symbol, node: ts.Node): string[] {
  const type = checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(member, node))
  return type.flags & ts.TypeFlags.Object ? checker.getPropertiesOfType(type).map(({ name }) => name) : []
}

/** What this package's own files name, and what of it is known outside. */
function namesInFiles() {
  const own = new Set<string>()
  const kept = new Set<string>()
  for (const file of program.getSourceFiles().filter(ofPackage)) {
    const internal = !TOLD_OUTSIDE.test(file.fileName.slice(SRC.length))
    const visit = (node: ts.Node) => {
      const name = memberName(node)
      if (name !== undefined) (internal ? own : kept).add(name)
      for (const known of knownOutside(node)) kept.add(known)
      ts.forEachChild(node, visit)
    }
    visit(file)
  }
  return { own, kept }
}

it('a name is made short in production only where nobody outside can know it: no public type, browser, package, frame, saved file or look-up by a text has it', () => {
  const { own, kept } = namesInFiles()
  const shown = publicNames()
  // What the walk is worth: it reaches an option of an option, a method's result, what a protocol is handed, and what
  // a browser alone knows.
  for (const name of ['redirectOrigins', 'longestSilence', 'hasData', 'code', 'effectiveType', 'issues', 'timeStamp'])
    expect([...shown, ...kept]).toContain(name)
  expect(INTERNAL_NAMES.filter((name) => shown.has(name) || kept.has(name))).toEqual([])
  expect(INTERNAL_NAMES.filter((name) => !own.has(name))).toEqual([])
})

it('no short name is one that a member of ours has', () => {
  const { own, kept } = namesInFiles()
  const short = [...SHORT_NAMES.values()]
  expect(new Set(short).size).toBe(INTERNAL_NAMES.length)
  expect(short.filter((name) => own.has(name) || kept.has(name))).toEqual([])
})
