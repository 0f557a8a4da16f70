/*
 * A DynamoDB that takes everything and stores nothing, and an S3 with one file, for benchmarks.
 *
 *   null_server PORT FILE LATENCY_MS ITEMS_PER_SECOND     (0: no latency, no limit)
 *
 * One thread, epoll. It answers HEAD and ranged GET with FILE, BatchWriteItem and DescribeTable; with
 * a limit, a token bucket of one second's items refuses whole requests with ThrottlingException. GET
 * /stats tells the items taken and the requests seen.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 1024
#define BUFFER (1 << 20)

struct client {
    char *in;
    size_t got;
    const char *body;              /* what remains to be sent after the head */
    size_t body_left;
    char head[1024];
    size_t head_at, head_left;
    double due;                    /* when the answer may leave */
    int waiting;
};

static struct client clients[CLIENTS];
static int epoll_fd;
static const char *file;
static size_t file_size;
static double latency, per_second, tokens, refilled;
static long items, requests;

static const char TAKEN[] = "{\"UnprocessedItems\":{}}";
static const char THROTTLED[] =
    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ThrottlingException\",\"message\":\"slow down\"}";
static const char TABLE[] =
    "{\"Table\":{\"TableName\":\"movies\",\"TableStatus\":\"ACTIVE\",\"ItemCount\":0,"
    "\"TableArn\":\"arn:aws:dynamodb:us-east-1:123456789012:table/movies\","
    "\"CreationDateTime\":1700000000,\"TableSizeBytes\":0,\"ProvisionedThroughput\":"
    "{\"ReadCapacityUnits\":0,\"WriteCapacityUnits\":0,\"NumberOfDecreasesToday\":0},"
    "\"AttributeDefinitions\":[{\"AttributeName\":\"id\",\"AttributeType\":\"S\"}],"
    "\"KeySchema\":[{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"}]}}";

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void answer(struct client *c, const char *status, const char *more, const char *body,
                   size_t length, int head_only)
{
    c->head_left = snprintf(c->head, sizeof c->head,
        "HTTP/1.1 %s\r\nContent-Type: application/x-amz-json-1.0\r\nETag: \"null\"\r\n"
        "x-amzn-RequestId: NULL\r\n%sContent-Length: %zu\r\n\r\n", status, more, length);
    c->head_at = 0;
    c->body = body;
    c->body_left = head_only ? 0 : length;
}

static void answer_file(struct client *c, const char *request, int head_only)
{
    char more[96];
    size_t first = 0, last = file_size - 1;
    const char *range = strcasestr(request, "\r\nRange: bytes=");
    if (!range) {
        answer(c, "200 OK", "Accept-Ranges: bytes\r\n", file, file_size, head_only);
        return;
    }
    range += strlen("\r\nRange: bytes=");
    if (*range == '-') {
        size_t tail = strtoul(range + 1, NULL, 10);
        first = tail < file_size ? file_size - tail : 0;
    } else {
        char *dash;
        first = strtoul(range, &dash, 10);
        if (dash[1] >= '0' && dash[1] <= '9') last = strtoul(dash + 1, NULL, 10);
        if (last >= file_size) last = file_size - 1;
    }
    if (first > last) {
        answer(c, "416 Range Not Satisfiable", "", "", 0, 0);
        return;
    }
    snprintf(more, sizeof more, "Content-Range: bytes %zu-%zu/%zu\r\n", first, last, file_size);
    answer(c, "206 Partial Content", more, file + first, last - first + 1, head_only);
}

static long count_items(const char *at, size_t length)
{
    long count = 0;
    const char *end = at + length;
    while ((at = memmem(at, end - at, "\"PutRequest\"", 12))) {
        count++;
        at += 12;
    }
    return count;
}

static void answer_write(struct client *c, const char *body, size_t length)
{
    long count = count_items(body, length);
    if (per_second > 0) {
        double t = now();
        tokens += (t - refilled) * per_second;
        if (tokens > per_second) tokens = per_second;
        refilled = t;
        if (tokens < count) {
            answer(c, "400 Bad Request", "", THROTTLED, sizeof THROTTLED - 1, 0);
            return;
        }
        tokens -= count;
    }
    items += count;
    answer(c, "200 OK", "", TAKEN, sizeof TAKEN - 1, 0);
}

static void handle(struct client *c, const char *body, size_t length)
{
    static char stats[96];
    requests++;
    c->due = now() + latency;
    if (!strncmp(c->in, "GET /stats", 10)) {
        int size = snprintf(stats, sizeof stats, "{\"items\":%ld,\"requests\":%ld}", items, requests);
        answer(c, "200 OK", "", stats, size, 0);
    } else if (c->in[0] == 'G' || c->in[0] == 'H') {
        answer_file(c, c->in, c->in[0] == 'H');
    } else if (strcasestr(c->in, "DynamoDB_20120810.BatchWriteItem")) {
        answer_write(c, body, length);
    } else {
        answer(c, "200 OK", "", TABLE, sizeof TABLE - 1, 0);
    }
}

static void watch(int fd, int what)
{
    struct epoll_event event = { .events = what, .data.fd = fd };
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event);
}

static void drop(int fd)
{
    clients[fd].got = 0;
    clients[fd].waiting = 0;
    close(fd);
}

static void pump(int fd)
{
    struct client *c = &clients[fd];
    while (c->head_left || c->body_left) {
        int from_head = c->head_left > 0;
        ssize_t sent = from_head
            ? send(fd, c->head + c->head_at, c->head_left, c->body_left ? MSG_MORE : 0)
            : send(fd, c->body, c->body_left, 0);
        if (sent < 0) {
            watch(fd, EPOLLOUT);
            return;
        }
        if (from_head) { c->head_at += sent; c->head_left -= sent; }
        else { c->body += sent; c->body_left -= sent; }
    }
    watch(fd, EPOLLIN);
}

static void receive(int fd)
{
    struct client *c = &clients[fd];
    ssize_t got = recv(fd, c->in + c->got, BUFFER - 1 - c->got, 0);
    if (got <= 0) { drop(fd); return; }
    c->got += got;
    c->in[c->got] = 0;
    char *end = strstr(c->in, "\r\n\r\n");
    if (!end) return;
    size_t head = end + 4 - c->in, length = 0;
    end[2] = 0;                                  /* the head alone is searched */
    char *field = strcasestr(c->in, "\r\nContent-Length:");
    if (field) length = strtoul(field + 17, NULL, 10);
    if (c->got < head + length) {
        if (strcasestr(c->in, "\r\nExpect:") && c->got == head)
            send(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, 0);
        end[2] = '\r';
        return;
    }
    handle(c, c->in + head, length);
    c->got = 0;
    if (latency > 0) { c->waiting = 1; watch(fd, 0); }
    else pump(fd);
}

static double answer_due(void)
{
    double next = 3600, t = now();
    for (int fd = 0; fd < CLIENTS; fd++) {
        if (!clients[fd].waiting) continue;
        if (clients[fd].due <= t) { clients[fd].waiting = 0; pump(fd); }
        else if (clients[fd].due - t < next) next = clients[fd].due - t;
    }
    return next;
}

int main(int argc, char **argv)
{
    if (argc != 5) return 2;
    signal(SIGPIPE, SIG_IGN);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), opened = open(argv[2], O_RDONLY);
    struct stat held;
    fstat(opened, &held);
    file_size = held.st_size;
    file = mmap(NULL, file_size, PROT_READ, MAP_PRIVATE, opened, 0);
    latency = atof(argv[3]) / 1000;
    per_second = tokens = atof(argv[4]);
    refilled = now();
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (file == MAP_FAILED || bind(listener, (void *)&here, sizeof here) || listen(listener, 128)) {
        perror("null_server");
        return 1;
    }
    epoll_fd = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN, .data.fd = listener }, ready[64];
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        double next = latency > 0 ? answer_due() : 3600;
        struct timespec wait = { (time_t)next, (long)((next - (time_t)next) * 1e9) };
        int count = epoll_pwait2(epoll_fd, ready, 64, &wait, NULL);
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            if (fd == listener) {
                int made = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (made < 0) continue;
                if (made >= CLIENTS) { close(made); continue; }
                if (!clients[made].in) clients[made].in = malloc(BUFFER);
                clients[made].got = clients[made].head_left = clients[made].body_left = 0;
                setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                struct epoll_event added = { .events = EPOLLIN, .data.fd = made };
                epoll_ctl(epoll_fd, EPOLL_CTL_ADD, made, &added);
            } else if (ready[i].events & EPOLLOUT) pump(fd);
            else receive(fd);
        }
    }
}
