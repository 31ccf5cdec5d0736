"""Names that C, C++ and their libraries have taken, and the kernels' own.

They are those that headers of glibc and newlib declare or define, without what ends in ``_t``.
"""

from __future__ import annotations

#: Keywords, headers, functions, macros.
_LANGUAGE = """
a64l abort abs access acct acos acosf acosh acoshf acoshl acosl alarm alignas aligned_alloc
alignof alloca and and_eq arc4random arc4random_buf arc4random_uniform asctime asctime_r asin
asinf asinh asinhf asinhl asinl asiprintf asm asniprintf asnprintf assert at_quick_exit atan
atan2 atan2f atan2l atanf atanh atanhf atanhl atanl atexit atof atoff atoi atol atoll auto bcmp
bcopy be16toh be32toh be64toh bitand bitor bool break brk bsearch btowc bzero cabs cabsf cabsl
cacos cacosf cacosh cacoshf cacoshl cacosl calloc carg cargf cargl case casin casinf casinh
casinhf casinhl casinl catan catanf catanh catanhf catanhl catanl catch cbrt cbrtf cbrtl ccos
ccosf ccosh ccoshf ccoshl ccosl ceil ceilf ceill cexp cexpf cexpl cfree char char8_t chdir chmod
chown chroot cimag cimagf cimagl class clearenv clearerr clearerr_unlocked clock
clock_getcpuclockid clock_getres clock_gettime clock_nanosleep clock_settime clog clogf clogl
close closefrom co_await co_return co_yield compl complex concept confstr conj conjf conjl const
const_cast consteval constexpr constinit continue copysign copysignf copysignl cos cosf cosh
coshf coshl cosl cpow cpowf cpowl cproj cprojf cprojl creal crealf creall crypt csin csinf csinh
csinhf csinhl csinl csqrt csqrtf csqrtl ctan ctanf ctanh ctanhf ctanhl ctanl ctermid ctime
ctime_r ctype daemon daylight decltype default delete difftime diprintf div do double dprintf
drand48 drand48_r drem dremf dreml dup dup2 duplocale dynamic_cast dysize ecvt ecvt_r else
endusershell enum environ erand48 erand48_r erf erfc erfcf erfcl erff erfl errno execl execle
execlp execlpe execv execve execvp exit exp exp2 exp2f exp2l expf expl explicit explicit_bzero
expm1 expm1f expm1l export extern fabs fabsf fabsl faccessat false fast_putc fchdir fchmod
fchown fchownat fclose fcvt fcvt_r fd_set fdatasync fdim fdimf fdiml fdopen feclearexcept
fegetenv fegetexceptflag fegetround feholdexcept fenv feof feof_unlocked feraiseexcept ferror
ferror_unlocked fesetenv fesetexceptflag fesetround fetestexcept feupdateenv fexecve fflush
fflush_unlocked ffs ffsl ffsll fgetc fgetc_unlocked fgetpos fgets fgetwc fgetws fileno
fileno_unlocked finite finitef finitel fiprintf fiscanf float flockfile floor floorf floorl fls
flsl flsll fma fmaf fmal fmax fmaxf fmaxl fmemopen fmin fminf fminl fmod fmodf fmodl fopen for
fork fpathconf fpclassify fprintf fpurge fputc fputc_unlocked fputs fputwc fputws fread
fread_unlocked free freelocale freopen frexp frexpf frexpl friend fropen fscanf fseek fseeko
fsetpos fsync ftell ftello ftruncate ftrylockfile funlockfile funopen fwide fwopen fwprintf
fwrite fwrite_unlocked fwscanf gamma gamma_r gammaf gammaf_r gammal gcvt getc getc_unlocked
getchar getchar_unlocked getcwd getdelim getdomainname getdtablesize getegid getentropy getenv
geteuid getgid getgroups gethostid gethostname getline getloadavg getlogin getlogin_r getopt
getpagesize getpass getpeereid getpgid getpgrp getpid getppid gets getsid getsubopt getuid
getusershell getw getwc getwchar getwd gmtime gmtime_r goto gsignal htobe16 htobe32 htobe64
htole16 htole32 htole64 hypot hypotf hypotl if ilogb ilogbf ilogbl imaxabs imaxdiv index
infinity infinityf initstate initstate_r inline int inttypes iprintf iruserok isalnum isalnum_l
isalpha isalpha_l isascii isascii_l isatty isblank isblank_l iscanf iscntrl iscntrl_l isdigit
isdigit_l isfinite isgraph isgraph_l isgreater isgreaterequal isinf isinff isinfl isless
islessequal islessgreater islower islower_l isnan isnanf isnanl isnormal iso646 isprint
isprint_l ispunct ispunct_l issetugid isspace isspace_l isunordered isupper isupper_l iswalnum
iswalnum_l iswalpha iswalpha_l iswblank iswblank_l iswcntrl iswcntrl_l iswctype iswctype_l
iswdigit iswdigit_l iswgraph iswgraph_l iswlower iswlower_l iswprint iswprint_l iswpunct
iswpunct_l iswspace iswspace_l iswupper iswupper_l iswxdigit iswxdigit_l isxdigit isxdigit_l
itoa j0 j0f j0l j1 j1f j1l jn jnf jnl jrand48 jrand48_r kill killpg l64a labs lchown lcong48
lcong48_r lconv ldexp ldexpf ldexpl ldiv le16toh le32toh le64toh lgamma lgamma_r lgammaf
lgammaf_r lgammal lgammal_r limits link linkat linux llabs lldiv llrint llrintf llrintl llround
llroundf llroundl locale localeconv localtime localtime_r lockf log log10 log10f log10l log1p
log1pf log1pl log2 log2f log2l logb logbf logbl logf logl long longjmp lrand48 lrand48_r lrint
lrintf lrintl lround lroundf lroundl lseek malloc math math_errhandling mblen mbrlen mbrtowc
mbsinit mbsnrtowcs mbsrtowcs mbstowcs mbtowc memccpy memchr memcmp memcpy memmove memory memset
mkdtemp mkstemp mkstemps mktemp mktime model modf modff modfl mrand48 mrand48_r mutable
namespace nan nanf nanl nanosleep nearbyint nearbyintf nearbyintl new newlocale nextafter
nextafterf nextafterl nexttoward nexttowardf nexttowardl nice noexcept not not_eq nrand48
nrand48_r nullptr offsetof on_exit open_memstream open_wmemstream operator optarg opterr optind
optopt or or_eq pathconf pause pclose perror physadr pipe popen pow powf powl pread printf
private profil protected pselect psiginfo psignal public putc putc_unlocked putchar
putchar_unlocked putenv puts putw putwc putwchar pwrite qecvt qecvt_r qfcvt qfcvt_r qgcvt qsort
qsort_r quad quick_exit raise rand rand_r random random_r read readlink readlinkat realloc
reallocarray reallocf realpath register reinterpret_cast remainder remainderf remainderl remove
remquo remquof remquol rename renameat requires restrict return revoke rewind rindex rint rintf
rintl rmdir round roundf roundl rpmatch rresvport ruserok sa_handler sa_sigaction sbrk scalb
scalbf scalbl scalbln scalblnf scalblnl scalbn scalbnf scalbnl scanf seed48 seed48_r select
setbuf setbuffer setdomainname setdtablesize setegid setenv seteuid setgid setgroups sethostid
sethostname setjmp setlinebuf setlocale setlogin setpgid setpgrp setregid setreuid setsid
setstate setstate_r setuid setusershell setvbuf short sigaction sigaddset sigaltstack sigblock
sigdelset sigemptyset sigev_notify_attributes sigev_notify_function sigfillset siggetmask
siginterrupt sigismember siglongjmp sigmask signal signbit signed signgam significand
significandf significandl sigpause sigpending sigprocmask sigqueue sigreturn sigsetjmp
sigsetmask sigstack sigsuspend sigtimedwait sigwait sigwaitinfo sin sinf sinh sinhf sinhl sinl
siprintf siscanf sizeof sleep sniprintf snprintf sprintf sqrt sqrtf sqrtl srand srand48
srand48_r srandom srandom_r sscanf ssignal static static_assert static_cast std stdalign stdarg
stdatomic stdbool stddef stderr stdin stdint stdio stdlib stdout stpcpy stpncpy strcasecmp
strcasecmp_l strcat strchr strcmp strcoll strcoll_l strcpy strcspn strdup strerror strerror_l
strerror_r strftime strftime_l string strlcat strlcpy strlen strlwr strncasecmp strncasecmp_l
strncat strncmp strncpy strndup strnlen strnstr strpbrk strrchr strsep strsignal strspn strstr
strtod strtodf strtof strtoimax strtoimax_l strtok strtok_r strtol strtold strtoll strtoq
strtoul strtoull strtoumax strtoumax_l strtouq struct strupr strxfrm strxfrm_l switch swprintf
swscanf symlink symlinkat sync syscall sysconf system tan tanf tanh tanhf tanhl tanl tcgetpgrp
tcsetpgrp template tempnam tgamma tgammaf tgammal tgmath this thread thread_local threads throw
time timegm timelocal timer_create timer_delete timer_getoverrun timer_gettime timer_settime
timespec timespec_get timezone timingsafe_bcmp timingsafe_memcmp tm tmpfile tmpnam tmpnam_r
toascii toascii_l tolower tolower_l toupper toupper_l towctrans towctrans_l towlower towlower_l
towupper towupper_l true trunc truncate truncf truncl try ttyname ttyname_r ttyslot typedef
typeid typename tzname tzset ualarm uchar ungetc ungetwc union unix unlink unlinkat unsetenv
unsigned uselocale using usleep utoa va_arg va_copy va_end va_start valloc vasiprintf
vasniprintf vasnprintf vdiprintf vdprintf vfiprintf vfiscanf vfork vfprintf vfscanf vfwprintf
vfwscanf vhangup viprintf virtual viscanf void volatile vprintf vscanf vsiprintf vsiscanf
vsniprintf vsnprintf vsprintf vsscanf vswprintf vswscanf vwprintf vwscanf wchar wchar_t wcpcpy
wcpncpy wcrtomb wcscasecmp wcscasecmp_l wcscat wcschr wcscmp wcscoll wcscoll_l wcscpy wcscspn
wcsdup wcsftime wcslcat wcslcpy wcslen wcsncasecmp wcsncasecmp_l wcsncat wcsncmp wcsncpy wcsnlen
wcsnrtombs wcspbrk wcsrchr wcsrtombs wcsspn wcsstr wcstod wcstof wcstoimax wcstoimax_l wcstok
wcstol wcstold wcstoll wcstombs wcstoul wcstoull wcstoumax wcstoumax_l wcsxfrm wcsxfrm_l wctob
wctomb wctrans wctrans_l wctype wctype_l while wmemchr wmemcmp wmemcpy wmemmove wmemset wprintf
write wscanf xor xor_eq y0 y0f y0l y1 y1f y1l yn ynf ynl
"""
#: ``tk`` is what shared kernels begin with; the others are folders beside the library.
TAKEN = frozenset(_LANGUAGE.split()) | {"tk", "packages", "report", "tympan"}
