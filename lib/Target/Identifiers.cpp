//===- Identifiers.cpp - names of a model as C++ identifiers ------------------------------------------------------===//

#include "nncc/Target/Identifiers.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace nncc::target {

static StringSet<> splitWords(StringRef text) {
  SmallVector<StringRef> words;
  text.split(words, ' ', -1, /*KeepEmpty=*/false);
  return StringSet<>(llvm::from_range, words);
}

/// Keywords of C23 and C++26, and macros that common headers define.
static bool isClaimed(StringRef word) {
  static const StringSet<> kClaimed = splitWords(
      "alignas alignof and and_eq asm assert auto bitand bitor bool break case catch char char16_t char32_t char8_t "
      "class co_await co_return co_yield compl complex concept const const_cast consteval constexpr constinit "
      "continue contract_assert decltype default delete do double dynamic_cast else enum errno explicit export extern "
      "false final float for friend goto if imaginary import inline int linux long major minor module mutable "
      "namespace new noexcept noreturn not not_eq nullptr offsetof operator or or_eq override private protected public "
      "register reinterpret_cast requires restrict return setjmp short signed sizeof static static_assert static_cast "
      "stderr stdin stdout struct switch template this thread_local throw true try typedef typeid typename typeof "
      "typeof_unqual union unix unsigned using va_arg va_copy va_end va_start virtual void volatile wchar_t while xor "
      "xor_eq "
      "BUFSIZ EOF FALSE HUGE_VAL I INFINITY INT_MAX INT_MIN LONG_MAX LONG_MIN NAN NULL RAND_MAX TRUE UINT_MAX");
  return kClaimed.contains(word);
}

/// What a model's name may not be beside isClaimed: namespaces and global functions that a program is likely to see.
static bool isGlobal(StringRef word) {
  static const StringSet<> kGlobals = splitWords(
      "nncc nnccrt posix std "
      "abort abs accept access acos acosh alarm asctime asin asinh atan atan2 atanh atexit atof atoi atol bind brk "
      "bsearch calloc cbrt ceil chdir chmod chown clearerr clock close connect copysign cos cosh creat ctime daemon "
      "difftime div dup dup2 environ erf erfc execl execv exit exp exp10 exp2 expm1 fabs fclose fcntl fdim feof ferror "
      "fflush ffs fgetc fgets fileno floor fma fmax fmin fmod fopen fork fprintf fputc fputs fread free freopen frexp "
      "fscanf fseek ftell ftime fwrite gamma getc getchar getenv getline gets gmtime gnu_dev_major hypot ilogb index "
      "ioctl isalnum isalpha isdigit islower isspace isupper j0 j1 jn kill labs ldexp ldiv lgamma link listen lldiv "
      "localtime log log10 log1p log2 logb lround lseek main malloc memchr memcmp memcpy memmove memset mkdir mktime "
      "modf nan nearbyint nextafter nice open opendir pause perror pipe poll popen pow printf putc putchar puts qsort "
      "raise rand random read readlink realloc recv remainder remove rename rewind rindex rint rmdir round scanf "
      "select send setbuf shutdown signal sin sinh sleep socket splice sprintf sqrt srand sscanf stat statfs stime "
      "strcat strchr strcmp strcpy strlen strtod strtol swab symlink sync syscall system tan tanh tee tgamma time "
      "timer_t times tolower toupper trunc truncate umask uname ungetc unlink usleep wait write y0 y1 yn");
  return kGlobals.contains(word);
}

/// Rules 1 and 2.
static std::string mangle(StringRef name, const Twine &fallback) {
  std::string result;
  for (char c : name)
    if (isAlnum(c))
      result += c;
    else if (!result.empty() && result.back() != '_')
      result += '_';
  if (!result.empty() && result.back() == '_')
    result.pop_back();
  if (result.empty())
    return fallback.str();
  return isDigit(result[0]) ? "v" + result : result;
}

namespace {
/// Rules 3 and 4, for names that share a scope.
class Scope {
public:
  /// `prefixes`: the scope also gets each identifier behind these. `words`: names that it has from the start.
  Scope(ArrayRef<StringRef> prefixes, StringRef words) : prefixes(prefixes), words(splitWords(words)) {}

  std::string add(StringRef name, const Twine &fallback) {
    std::string wanted = mangle(name, fallback);
    if (isClaimed(wanted) || words.contains(wanted))
      wanted += '_';
    std::string result = wanted;
    for (unsigned number = 2; isTaken(result); ++number)
      result = wanted + (StringRef(wanted).ends_with("_") ? "" : "_") + std::to_string(number);
    taken.insert(result);
    for (StringRef prefix : prefixes)
      taken.insert((prefix + result).str());
    return result;
  }

private:
  bool isTaken(const std::string &identifier) const {
    auto isKnown = [&](const std::string &word) { return taken.contains(word) || words.contains(word); };
    return isKnown(identifier) ||
           any_of(prefixes, [&](StringRef prefix) { return isKnown((prefix + identifier).str()); });
  }

  ArrayRef<StringRef> prefixes;
  StringSet<> words, taken;
};
} // namespace

std::string makeModelIdentifier(StringRef name) {
  std::string identifier = mangle(name, "model");
  return isClaimed(identifier) || isGlobal(identifier) ? identifier + "_" : identifier;
}

std::vector<std::string> makeSymbolIdentifiers(ArrayRef<std::string> symbols) {
  Scope scope({}, "Symbols");
  std::vector<std::string> identifiers;
  for (auto [index, symbol] : enumerate(symbols))
    identifiers.push_back(scope.add(symbol, "symbol_" + Twine(index)));
  return identifiers;
}

static constexpr StringRef kPrefixes[] = {"bind_", "unbind_"};

void assignIdentifiers(ModelDescription &model) {
  model.identifier = makeModelIdentifier(model.name);
  // What nncc::Context of nnccrt/Model.h and the class in the generated header have, and the types that the latter uses.
  Scope scope(kPrefixes, "Context Model Symbols bind_input_at bind_output_at cancel get input_at output_at resize "
                         "resize_to run set_workspace status trim unbind_input_at unbind_output_at workspace_bytes "
                         "workspace_bytes_for prepare synchronize device_output_at");
  for (auto [index, input] : enumerate(model.inputs))
    input.identifier = scope.add(input.name, "input_" + Twine(index));
  for (auto [index, output] : enumerate(model.outputs))
    output.identifier = scope.add(output.name, "output_" + Twine(index));
}

bool isUsableIdentifier(StringRef text) {
  return !text.empty() && !isDigit(text[0]) && all_of(text, [](char c) { return isAlnum(c) || c == '_'; }) &&
         !isClaimed(text);
}

std::string quoteForC(StringRef text) {
  std::string result = "\"";
  for (unsigned char c : text)
    if (c == '"' || c == '\\' || c == '?') // ?: no trigraphs
      result += {'\\', char(c)};
    else if (isPrint(char(c)))
      result += char(c);
    else // three octal digits end the escape, whatever follows
      result += {'\\', char('0' + (c >> 6)), char('0' + (c >> 3 & 7)), char('0' + (c & 7))};
  return result + '"';
}

} // namespace nncc::target
