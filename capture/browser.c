#include "capture/browser.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/browser_profile.h"
#include "capture/command.h"
#include "capture/log.h"

#define VIEW_ADDRESS  "http://mitm.proxy/"
#define FOLDER_PREFIX "mitm-browser-"

#define OUTPUT_FILE "output"
#define KEYLOG_FILE "keys"

/* Chromium makes a socket in its TMPDIR, our folder there: with more than this its path is longer than may be. */
enum { TMPDIR_MAX_BYTES = 32 };

enum { WORDS_MAX = 40, VARIABLES_MAX = 16, END_MS = 3000, END_STEP_MS = 10 };

struct browser {
    char *program; /* the path of what is started */
    char *folder;  /* of its files */
    char *keylog_path;
    char *words[WORDS_MAX];
    size_t word_count;
    char *variables[VARIABLES_MAX]; /* of its environment, in place of ours */
    size_t variable_count;
    pid_t pid; /* also of its process group; 0: not started */
    bool ended;
    uint32_t status;
};

bool browser_kind_of(const char *name, enum browser_kind *kind)
{
    if (strcmp(name, "firefox") == 0)
        *kind = BROWSER_FIREFOX;
    else if (strcmp(name, "chromium") == 0)
        *kind = BROWSER_CHROMIUM;
    else
        return false;
    return true;
}

char *browser_address(const char *text)
{
    static const char *const schemes[] = {"http://", "https://", "about:"};
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p <= 0x20 || *p == 0x7f)
            return NULL;
    }
    if (!*text || *text == '-')
        return NULL;
    bool complete = false;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        complete |= strncasecmp(text, schemes[i], strlen(schemes[i])) == 0;
    if (!complete && strstr(text, "://"))
        return NULL;
    char *address;
    if (asprintf(&address, "%s%s", complete ? "" : "http://", text) < 0)
        abort();
    return address;
}

/* ---------------------------------------------------------------- its files */

static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && *folder == '/' && strlen(folder) <= TMPDIR_MAX_BYTES ? folder : "/tmp";
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    remove(path); /* what cannot be removed is seen at its folder */
    return 0;
}

static void remove_folder(const char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    if (access(folder, F_OK) == 0)
        log_line("cannot remove %s, the browser's files: remove it yourself", folder);
}

/* Remove what a mitm-proxy that was killed has left: folders of ours whose process is no more. */
static void remove_leftovers(void)
{
    const char *parent = temporary_folder();
    DIR *dir = opendir(parent);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[4096], *end;
        struct stat st;
        if (strncmp(entry->d_name, FOLDER_PREFIX, strlen(FOLDER_PREFIX)) != 0)
            continue;
        long pid = strtol(entry->d_name + strlen(FOLDER_PREFIX), &end, 10);
        if (pid <= 0 || pid > INT32_MAX || *end != '-' || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
            continue;
        snprintf(path, sizeof path, "%s/%s", parent, entry->d_name);
        if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
            remove_folder(path);
    }
    closedir(dir);
}

static int make_folder(struct browser *browser)
{
    remove_leftovers();
    if (asprintf(&browser->folder, "%s/" FOLDER_PREFIX "%ld-XXXXXX", temporary_folder(), (long)getpid()) < 0)
        abort();
    if (!mkdtemp(browser->folder)) {
        int error = errno;
        free(browser->folder);
        browser->folder = NULL;
        return error;
    }
    if (asprintf(&browser->keylog_path, "%s/" KEYLOG_FILE, browser->folder) < 0)
        abort();
    static const char *const parts[] = {"home", "cache", "profile"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", browser->folder, parts[i]);
        if (mkdir(path, 0700) != 0)
            return errno;
    }
    return 0;
}

/* ---------------------------------------------------------------- command line and environment */

/* Return the path of the first of `names` (NULL-terminated) that is found in PATH, or NULL. */
static char *find_program(const char *const *names)
{
    const char *path = getenv("PATH");
    for (; *names; names++) {
        for (const char *p = path ? path : "/usr/bin:/bin"; *p;) {
            size_t len = strcspn(p, ":");
            char *file;
            if (asprintf(&file, "%.*s/%s", (int)len, p, *names) < 0)
                abort();
            if (access(file, X_OK) == 0)
                return file;
            free(file);
            p += len + (p[len] == ':');
        }
    }
    return NULL;
}

static void add(char **list, size_t *n, size_t max, const char *before, const char *text)
{
    if (*n + 1 == max || asprintf(&list[*n], "%s%s", before, text) < 0)
        abort();
    (*n)++;
}

static void add_word(struct browser *browser, const char *before, const char *text)
{
    add(browser->words, &browser->word_count, WORDS_MAX, before, text);
}

static void add_variable(struct browser *browser, const char *name, const char *value)
{
    add(browser->variables, &browser->variable_count, VARIABLES_MAX, name, value);
}

/*
 * Its home is in the folder, so that it finds and leaves nothing in the user's; but fonts, the look of the desktop and
 * the access to the display stay the user's.
 */
static void set_environment(struct browser *browser)
{
    static const struct {
        const char *name, *below_home;
    } kept[] = {{"XDG_CONFIG_HOME", ".config"}, {"XDG_DATA_HOME", ".local/share"}, {"XAUTHORITY", ".Xauthority"}};
    const char *home = getenv("HOME");
    char text[4096];
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        snprintf(text, sizeof text, "=%s/%s", home ? home : "", kept[i].below_home);
        if (!getenv(kept[i].name) && home && access(text + 1, F_OK) == 0)
            add_variable(browser, kept[i].name, text);
    }
    snprintf(text, sizeof text, "%s/home", browser->folder);
    add_variable(browser, "HOME=", text);
    snprintf(text, sizeof text, "%s/cache", browser->folder);
    add_variable(browser, "XDG_CACHE_HOME=", text);
    add_variable(browser, "TMPDIR=", browser->folder);
    add_variable(browser, "MOZ_REMOTE_SETTINGS_DEVTOOLS=", "1"); /* makes it obey services.settings.server */
    add_variable(browser, "MOZ_CRASHREPORTER_DISABLE=", "1");
    if (!getenv("DBUS_SESSION_BUS_ADDRESS")) /* else one would be started, which outlives it */
        add_variable(browser, "DBUS_SESSION_BUS_ADDRESS=", "disabled:");
}

static int set_firefox(struct browser *browser, const char *proxy, bool headless)
{
    char host[80], profile[4096];
    const char *colon = strrchr(proxy, ':');
    size_t len = colon ? (size_t)(colon - proxy) : 0;
    bool brackets = len > 2 && proxy[0] == '[';
    snprintf(host, sizeof host, "%.*s", (int)(len - 2 * brackets), proxy + brackets);
    snprintf(profile, sizeof profile, "%s/profile", browser->folder);
    int error = browser_profile_firefox(profile, host, (unsigned)strtoul(colon ? colon + 1 : "0", NULL, 10));
    if (headless)
        add_word(browser, "", "--headless");
    add_word(browser, "", "--no-remote");
    add_word(browser, "", "--new-instance");
    add_word(browser, "", "--profile");
    add_word(browser, "", profile);
    return error;
}

static void set_chromium(struct browser *browser, const char *proxy, bool headless)
{
    char profile[4096];
    snprintf(profile, sizeof profile, "%s/profile", browser->folder);
    if (headless) /* --headless would show one page only */
        add_word(browser, "", "--ozone-platform=headless");
    if (geteuid() == 0) {
        log_line(
            "warning: Chromium runs as root, and so without its sandbox; use another user for pages you do not trust");
        add_word(browser, "", "--no-sandbox");
    }
    add_word(browser, "--user-data-dir=", profile);
    add_word(browser, "--proxy-server=socks5://", proxy);
    for (const char *const *word = browser_profile_chromium; *word; word++)
        add_word(browser, "", *word);
}

struct browser *browser_new(enum browser_kind kind, const char *proxy, const char *address, bool view, bool headless,
                            int *error)
{
    static const char *const firefox[] = {"firefox-esr", "firefox", NULL};
    static const char *const chromium[] = {"chromium", "chromium-browser", "google-chrome", NULL};
    struct browser *browser = calloc(1, sizeof *browser);
    if (!browser)
        abort();
    browser->program = find_program(kind == BROWSER_FIREFOX ? firefox : chromium);
    *error = browser->program ? make_folder(browser) : ENOENT;
    if (*error == 0) {
        headless |= !getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY");
        add_word(browser, "", browser->program);
        if (kind == BROWSER_FIREFOX)
            *error = set_firefox(browser, proxy, headless);
        else
            set_chromium(browser, proxy, headless);
        if (address)
            add_word(browser, "", address);
        if (view)
            add_word(browser, "", VIEW_ADDRESS);
        set_environment(browser);
    }
    if (*error == 0)
        return browser;
    browser_free(browser);
    return NULL;
}

char *const *browser_words(const struct browser *browser)
{
    return browser->words;
}

const char *browser_keylog_path(const struct browser *browser)
{
    return browser->keylog_path;
}

void browser_log_keys(struct browser *browser, const char *keylog_path)
{
    add_variable(browser, "SSLKEYLOGFILE=", keylog_path);
}

/* ---------------------------------------------------------------- its life */

static bool is_replaced(const struct browser *browser, const char *entry)
{
    size_t name_len = strcspn(entry, "=") + 1;
    for (size_t i = 0; i < browser->variable_count; i++) {
        if (strncmp(browser->variables[i], entry, name_len) == 0)
            return true;
    }
    return command_is_proxy_variable(entry);
}

/* Return our environment with the browser's variables in it; the caller frees the list, not the strings. */
static char **make_environment(const struct browser *browser)
{
    size_t n = 0, used = 0;
    while (environ[n])
        n++;
    char **list = calloc(n + browser->variable_count + 1, sizeof *list);
    if (!list)
        abort();
    for (size_t i = 0; i < n; i++) {
        if (!is_replaced(browser, environ[i]))
            list[used++] = environ[i];
    }
    memcpy(list + used, browser->variables, browser->variable_count * sizeof *list);
    return list;
}

/* In the child: become the browser. Only what is safe behind fork(2) in a process with threads. */
static void become_browser(const struct browser *browser, char **environment, pid_t parent, const int files[2],
                           int failure_fd)
{
    setpgid(0, 0);
    dup2(files[0], STDIN_FILENO);
    dup2(files[1], STDOUT_FILENO);
    dup2(files[1], STDERR_FILENO);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == parent)
        execve(browser->program, browser->words, environment);
    int error = errno;
    ssize_t written = write(failure_fd, &error, sizeof error);
    _exit(written == sizeof error ? 127 : 126);
}

/* Open what the browser has in place of the terminal: no input, and a file in its folder. Return 0 or errno. */
static int open_files(const struct browser *browser, int files[2])
{
    char path[4096];
    snprintf(path, sizeof path, "%s/" OUTPUT_FILE, browser->folder);
    files[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (files[0] < 0)
        return errno;
    files[1] = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (files[1] >= 0)
        return 0;
    int error = errno;
    close(files[0]);
    return error;
}

static int start_with(struct browser *browser, const int files[2])
{
    int fds[2], error = 0;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return errno;
    char **environment = make_environment(browser);
    /* A browser that is started by a program which then ends becomes our child, so that we see its end. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become_browser(browser, environment, parent, files, fds[1]);
    error = pid < 0 ? errno : 0;
    close(fds[1]);
    if (pid > 0) {
        setpgid(pid, pid);                              /* whoever comes first */
        ssize_t n = read(fds[0], &error, sizeof error); /* nothing comes when it has become the browser */
        if (n == sizeof error)
            waitpid(pid, NULL, 0);
        else
            browser->pid = pid;
    }
    close(fds[0]);
    free(environment);
    return error;
}

int browser_start(struct browser *browser)
{
    int files[2];
    int error = open_files(browser, files);
    if (error)
        return error;
    error = start_with(browser, files);
    close(files[0]);
    close(files[1]);
    return error;
}

/* Make the last line of the `len` bytes at `text` that is not empty the whole of it, without control characters. */
static void keep_last_line(char *text, size_t len)
{
    while (len > 0 && (unsigned char)text[len - 1] <= 0x20)
        len--;
    size_t at = len;
    while (at > 0 && text[at - 1] != '\n')
        at--;
    for (size_t i = 0; i < len - at; i++) {
        unsigned char c = (unsigned char)text[at + i];
        text[i] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
    }
    text[len - at] = '\0';
}

void browser_last_line(const struct browser *browser, char *line, size_t size)
{
    char path[4096];
    struct stat st;
    *line = '\0';
    snprintf(path, sizeof path, "%s/" OUTPUT_FILE, browser->folder);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0) {
        off_t room = (off_t)size - 1;
        ssize_t n = pread(fd, line, size - 1, st.st_size > room ? st.st_size - room : 0);
        keep_last_line(line, n > 0 ? (size_t)n : 0);
    }
    close(fd);
}

bool browser_ended(struct browser *browser, uint32_t *status)
{
    int raw;
    pid_t pid;
    if (browser->pid == 0)
        return true;
    while (!browser->ended && ((pid = waitpid(-browser->pid, &raw, WNOHANG)) > 0 || (pid < 0 && errno != EAGAIN))) {
        if (pid == browser->pid)
            browser->status = (uint32_t)(WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw));
        browser->ended = pid < 0 && errno == ECHILD;
    }
    *status = browser->status;
    return browser->ended;
}

void browser_signal(const struct browser *browser, int number)
{
    if (browser->pid > 0 && !browser->ended)
        kill(-browser->pid, number);
}

void browser_free(struct browser *browser)
{
    if (!browser)
        return;
    uint32_t status;
    browser_signal(browser, SIGKILL);
    for (int waited_ms = 0; !browser_ended(browser, &status) && waited_ms < END_MS; waited_ms += END_STEP_MS)
        nanosleep(&(struct timespec){.tv_nsec = END_STEP_MS * 1000000}, NULL);
    if (browser->folder)
        remove_folder(browser->folder);
    for (size_t i = 0; i < browser->word_count; i++)
        free(browser->words[i]);
    for (size_t i = 0; i < browser->variable_count; i++)
        free(browser->variables[i]);
    free(browser->keylog_path);
    free(browser->folder);
    free(browser->program);
    free(browser);
}
