import { transformSync, types as t, type NodePath, type PluginObj } from '@babel/core'
import { COUNTS } from './state-hash.js'

/**
 * The same program, in which everything that a closure holds is visible from outside: each function, and each object
 * with methods, lists its variables under `__held`, and private fields become public. Its behaviour is the same. The
 * search uses this to recognise states.
 */
export function makeVisible(code: string): string {
  const done = transformSync(code, {
    configFile: false,
    babelrc: false,
    compact: false,
    plugins: [privateFields, heldVariables],
  })
  return `${KEEPERS}${done!.code!}`
}

const KEEPERS = `
const __held = Symbol.for('livesocket.held')
const __hold = (one, held) => { one[__held] = held; return one }
`

const named = (name: t.PrivateName) => t.identifier(`__${name.id.name}`)

function privateFields(): PluginObj {
  return {
    visitor: {
      ClassPrivateProperty(path) {
        const { key, value, static: isStatic } = path.node
        path.replaceWith(t.classProperty(named(key), value, null, null, false, isStatic))
      },
      ClassPrivateMethod(path) {
        const { kind, key, params, body, static: isStatic, async, generator } = path.node
        path.replaceWith(t.classMethod(kind, named(key), params, body, false, isStatic, generator, async))
      },
      PrivateName(path) {
        if (path.parentPath.isMemberExpression() || path.parentPath.isOptionalMemberExpression())
          path.replaceWith(named(path.node))
        else if (path.parentPath.isBinaryExpression({ operator: 'in' }))
          path.replaceWith(t.stringLiteral(`__${path.node.id.name}`))
      },
    },
  }
}

/**
 * Its place in the code, and the variables of enclosing functions that it uses: `() => [7, a, b, this]`; null if it
 * uses none.
 */
function held(path: NodePath): t.Expression | null {
  const names = new Set<string>()
  let self = false
  const outer = path.scope.getProgramParent()
  path.traverse({
    ReferencedIdentifier(inner: NodePath<t.Identifier | t.JSXIdentifier>) {
      const { name } = inner.node
      const binding = inner.scope.getBinding(name)
      if (!binding || binding.scope === outer || binding.kind === 'local') return
      if (binding.scope.path === path || binding.scope.path.isDescendant(path)) return
      if (!COUNTS.has(name)) names.add(name)
    },
    ThisExpression(inner) {
      const of = inner.findParent(
        (one) => (one.isFunction() && !one.isArrowFunctionExpression()) || one.isClassProperty() || one === path,
      )
      if (of === path && path.isArrowFunctionExpression()) self = true
    },
  })
  if (names.size === 0 && !self) return null
  const variables: t.Expression[] = [...names].map((name) => t.identifier(name))
  if (self) variables.push(t.thisExpression())
  return t.arrowFunctionExpression([], t.arrayExpression([t.numericLiteral(places++), ...variables]))
}

/** Numbers the places: two functions that hold the same at different places are not equal. */
let places = 0

const hold = (one: t.Expression, what: t.Expression) => t.callExpression(t.identifier('__hold'), [one, what])

function heldVariables(): PluginObj {
  const wrap = (path: NodePath<t.Expression>) => {
    // A function that is called where it is written is gone before anything looks at it.
    if (path.parentPath?.isCallExpression() && path.key === 'callee') return
    const what = path.scope.path.isProgram() ? null : held(path)
    if (!what) return
    path.replaceWith(hold(path.node, what))
    path.skip()
  }
  return {
    visitor: {
      'ArrowFunctionExpression|FunctionExpression': {
        exit: (path: NodePath<t.Expression>) => {
          if (!path.parentPath?.isCallExpression({ callee: t.identifier('__hold') } as never)) wrap(path)
        },
      },
      ObjectExpression: {
        exit: (path: NodePath<t.ObjectExpression>) => {
          if (path.node.properties.some((one) => t.isObjectMethod(one))) wrap(path)
        },
      },
      FunctionDeclaration: {
        exit: (path: NodePath<t.FunctionDeclaration>) => {
          const what = path.parentPath.isProgram() || path.parentPath.isExportDeclaration() ? null : held(path)
          if (!what) return
          const block = path.parentPath
          if (block.isBlockStatement())
            block.unshiftContainer('body', t.expressionStatement(hold(t.identifier(path.node.id!.name), what)))
        },
      },
    },
  } as PluginObj
}
