# SPDX-License-Identifier: MIT
#
# As much of nixpkgs' lib as the modules of nixos/ use, for machines without
# nixpkgs.
#
# Theory of operation
#
# evalModules collects modules, joins their options into one tree, and brings
# the definitions down to its leaves: mkMerge and mkIf are resolved on the way,
# at a leaf the definitions of the strongest priority are merged by the type.
# A definition that meets no option is an error, as in nixpkgs. What is left
# out: freeform types, option renames, ordering, types nobody here uses.
#
# test.nix gives the same results with the real lib; see docs/nixos.md.
let
  inherit (builtins) all any attrNames attrValues concatLists concatMap concatStringsSep elem
    elemAt filter foldl' functionArgs genList hasAttr head intersectAttrs isAttrs isBool isFunction
    isInt isList isPath isString length listToAttrs map match replaceStrings stringLength
    substring toString typeOf;

  kind = value: if isAttrs value then value._type or "" else "";
  isDerivation = value: isAttrs value && value.type or "" == "derivation";
  showLoc = concatStringsSep ".";
  genAttrs = names: make: listToAttrs (map (name: { inherit name; value = make name; }) names);
  unique = foldl' (seen: one: if elem one seen then seen else seen ++ [ one ]) [ ];

  # ---- properties ----
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };

  # a definition without mkIf and mkMerge on top: zero or more
  discharge = def:
    if kind def.value == "merge" then
      concatMap (value: discharge (def // { inherit value; })) def.value.contents
    else if kind def.value == "if" then
      if def.value.condition then discharge (def // { value = def.value.content; }) else [ ]
    else [ def ];

  # Properties of a set become those of its attributes: what is there can then
  # be told without asking for conditions, which may depend on it.
  pushDown = value:
    if kind value == "merge" then concatMap pushDown value.contents
    else if kind value == "if" then
      map (builtins.mapAttrs (_: mkIf value.condition)) (pushDown value.content)
    else if kind value == "override" then
      map (builtins.mapAttrs (_: mkOverride value.priority)) (pushDown value.content)
    else [ value ];
  pushDownAll = concatMap (def: map (value: def // { inherit value; }) (pushDown def.value));

  # what definitions say of one attribute
  descend = name: defs: concatMap
    (def: if hasAttr name def.value then [ (def // { value = def.value.${name}; }) ] else [ ])
    (pushDownAll defs);

  # those of the strongest priority
  strongest = defs:
    let
      resolved = concatMap
        (def:
          if kind def.value == "override" then
            map (inner: inner // { inherit (def.value) priority; })
              (discharge (def // { value = def.value.content; }))
          else [ (def // { priority = 100; }) ])
        defs;
      least = foldl' (low: def: if def.priority < low then def.priority else low) 10000 resolved;
    in
    filter (def: def.priority == least) resolved;

  # ---- types ----
  values = map (def: def.value);
  wrong = loc: def: type:
    throw "A definition for option `${showLoc loc}' is not of type `${type.name}' (${def.file})";
  checked = loc: type: defs: map (def: if type.check def.value then def else wrong loc def type) defs;

  mergeOne = loc: defs:
    # functions are not even like themselves
    if length defs == 1 || all (value: value == head (values defs)) (values defs) then head (values defs)
    else throw "The option `${showLoc loc}' has conflicting definitions: ${concatStringsSep ", " (map (def: def.file) defs)}";
  simple = name: check: { inherit name check; merge = mergeOne; };

  mergeAnything = loc: defs:
    if all isAttrs (values defs) && ! any isDerivation (values defs) then
      types.attrsOf.of types.anything loc defs
    else if all isList (values defs) then concatLists (values defs)
    else mergeOne loc defs;

  types = {
    bool = simple "boolean" isBool;
    str = simple "string" isString;
    int = simple "integer" isInt;
    port = simple "port" (value: isInt value && value >= 0 && value <= 65535);
    package = simple "package" isDerivation;
    path = simple "path" (value:
      isPath value || isDerivation value || (isString value && substring 0 1 value == "/"));
    lines = simple "lines" isString // { merge = _: defs: concatStringsSep "\n" (values defs); };
    anything = simple "anything" (_: true) // { merge = mergeAnything; };
    enum = allowed: simple "one of ${toString (map toString allowed)}" (value: elem value allowed);
    either = a: b: {
      name = "${a.name} or ${b.name}";
      check = value: a.check value || b.check value;
      merge = loc: defs: (if all a.check (values defs) then a else b).merge loc defs;
    };
    nullOr = type: {
      name = "null or ${type.name}";
      check = value: value == null || type.check value;
      merge = loc: defs:
        if all (value: value == null) (values defs) then null else type.merge loc defs;
    };
    listOf = type: {
      name = "list of ${type.name}";
      check = isList;
      merge = loc: defs: concatLists (map
        (def: map
          (value: mergeLeaf (loc ++ [ "*" ]) type [ (def // { inherit value; }) ])
          def.value)
        defs);
    };
    attrsOf = {
      __functor = self: type: {
        name = "attribute set of ${type.name}";
        check = isAttrs;
        merge = self.of type;
      };
      of = type: loc: defs: mapDefs defs (name: mergeLeaf (loc ++ [ name ]) type);
    };
    submodule = module: {
      name = "submodule";
      check = value: isAttrs value || isFunction value;
      merge = loc: defs: (evalModules {
        modules = [ module ] ++ map (def: { _file = def.file; config = def.value; }) defs;
        prefix = loc;
      }).config;
    };
  };

  # attribute by attribute, those without a definition left out
  mapDefs = defs: merge:
    let
      names = unique (concatMap (def: attrNames def.value) (pushDownAll defs));
      of = name: concatMap discharge (descend name defs);
    in
    genAttrs (filter (name: of name != [ ]) names) (name: merge name (of name));

  mergeLeaf = loc: type: defs: type.merge loc (checked loc type (strongest (concatMap discharge defs)));

  # ---- modules ----
  mkOption = option: { _type = "option"; } // option;
  isOption = value: kind value == "option";

  load = args: module:
    let
      file = if isPath module || isString module then toString module else "a module without a file";
      loaded = if isPath module || isString module then import module else module;
      called = if isFunction loaded then loaded (intersectAttrs (functionArgs loaded) args // extra loaded) else loaded;
      # module arguments that nobody gave are config's own errors
      extra = f: if functionArgs f == { } then args else { };
      structured = called ? config || called ? options;
      name = called._file or file;
    in
    [{
      file = name;
      options = called.options or { };
      config =
        if structured then called.config or { }
        else removeAttrs called [ "imports" "_file" ];
    }] ++ concatMap (load args) (called.imports or [ ]);

  # files that are imported twice count once
  dedupe = foldl'
    (seen: module:
      if match "/.*" module.file != null && any (other: other.file == module.file) seen then seen
      else seen ++ [ module ]) [ ];

  joinOptions = loc: trees:
    let names = unique (concatMap attrNames trees); in
    genAttrs names (name:
      let found = map (tree: tree.${name}) (filter (hasAttr name) trees); in
      if any isOption found then
        if length found == 1 then head found
        else throw "The option `${showLoc (loc ++ [ name ])}' is declared twice"
      else joinOptions (loc ++ [ name ]) found);

  build = loc: tree: defs:
    builtins.mapAttrs
      (name: node:
        let
          here = loc ++ [ name ];
          inner = descend name defs;
        in
        if isOption node then
          let
            weakest =
              if node ? default then
                [{ file = "its declaration"; value = mkOverride 1500 node.default; }]
              else [ ];
            defined = concatMap discharge inner;
          in
          if defined ++ weakest == [ ] then
            throw "The option `${showLoc here}' is used but not defined"
          else if node.readOnly or false && defined != [ ] then
            throw "The option `${showLoc here}' is read-only"
          else mergeLeaf here node.type (defined ++ weakest)
        else build here node inner)
      tree;

  # definitions that meet no option: a list of sentences
  unknown = loc: tree: defs: concatMap
    (def: concatMap
      (name:
        let here = loc ++ [ name ]; in
        if ! hasAttr name tree then
          [ "The option `${showLoc here}' does not exist (${def.file})" ]
        else if isOption tree.${name} then [ ]
        else unknown here tree.${name} [ (def // { value = def.value.${name}; }) ])
      (attrNames def.value))
    (pushDownAll defs);

  evalModules = { modules, specialArgs ? { }, prefix ? [ ] }:
    let
      loaded = dedupe (concatMap (load ({ inherit lib config; } // specialArgs)) modules);
      tree = joinOptions prefix (map (module: module.options) loaded);
      defs = map (module: { inherit (module) file; value = module.config; }) loaded;
      lost = unknown prefix tree defs;
      config = build prefix tree defs;
    in
    {
      options = tree;
      # modules see each other's values unchecked, or there would be no end
      config = if lost == [ ] then config else throw (head lost);
    };

  # ---- the rest ----
  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasSuffix = suffix: text:
    let at = stringLength text - stringLength suffix; in
    at >= 0 && substring at (stringLength suffix) text == suffix;
  escapeShellArg = arg:
    let text = toString arg; in
    if match "[[:alnum:],._+:@%/-]+" text != null then text
    else "'${replaceStrings [ "'" ] [ "'\\''" ] text}'";

  lib = {
    inherit all any attrNames attrValues concatLists concatMap concatStringsSep elem elemAt
      evalModules escapeShellArg filter functionArgs genAttrs genList hasPrefix hasSuffix head isFunction
      isOption length listToAttrs map mkIf mkMerge mkOption mkOverride types unique;
    inherit (builtins) deepSeq isList isString mapAttrs readFile seq tail toJSON typeOf;
    mkForce = mkOverride 50;
    mkDefault = mkOverride 1000;
    mkEnableOption = what: mkOption {
      type = types.bool;
      default = false;
      description = "Whether to enable ${what}.";
    };
    literalExpression = text: { _type = "literalExpression"; inherit text; };
    optional = condition: one: if condition then [ one ] else [ ];
    optionals = condition: list: if condition then list else [ ];
    optionalAttrs = condition: set: if condition then set else { };
    optionalString = condition: text: if condition then text else "";
    nameValuePair = name: value: { inherit name value; };
    mapAttrs' = f: set: listToAttrs (map (name: f name set.${name}) (attrNames set));
    mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
    filterAttrs = keep: set:
      genAttrs (filter (name: keep name set.${name}) (attrNames set)) (name: set.${name});
    getExe = package: "${package}/bin/${package.meta.mainProgram or package.pname or package.name}";
    getExe' = package: program: "${package}/bin/${program}";
    escapeShellArgs = args: concatStringsSep " " (map escapeShellArg args);
    cmakeBool = name: value: "-D${name}:BOOL=${if value then "TRUE" else "FALSE"}";
    splitString = by: text: filter isString (builtins.split (replaceStrings [ "." ] [ "\\." ] by) text);
    licenses.mit.spdxId = "MIT";
    platforms.linux = [ "x86_64-linux" "aarch64-linux" ];
    fileset = {
      toSource = { root, fileset }: { inherit root; left = fileset; };
      difference = from: without: { inherit from without; };
      unions = sets: sets;
      maybeMissing = path: path;
    };
  };
in
lib
